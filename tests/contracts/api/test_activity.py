"""insights-api.md, Activity: which command makes which entry, and how pages of them go."""

from typing import Any
from uuid import UUID

import pytest

from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP


async def entries(api: Api, insight_id: int, query: str = "") -> list[dict[str, Any]]:
    answer = await api(f"GET insights/{insight_id}/activity/{query}")
    answer.says(200)
    found: list[dict[str, Any]] = answer["results"]
    return found


async def test_a_creation_has_no_changes_and_every_member(api: Api) -> None:
    made = await api.insight(name="A", tags=["x"])
    (entry,) = await entries(api, made["id"])
    UUID(entry.pop("id"))
    # Ours: its place, what it was part of, and through which key.
    assert entry.pop("sequence")
    UUID(entry.pop("operation_id"))
    assert entry.pop("key_id")
    created_at = entry.pop("created_at")
    assert created_at == made["created_at"]
    assert entry == {
        "user": {"first_name": "Ada", "email": "ada@example.com"},
        "activity": "created",
        "scope": "Insight",
        "item_id": str(made["id"]),
        "detail": {
            "id": None,
            "changes": None,
            "merge": None,
            "trigger": None,
            "name": "A",
            "short_id": made["short_id"],
            "type": None,
        },
    }


CHANGES: list[tuple[dict[str, Any], dict[str, Any], str, Any, Any]] = [
    ({"name": "A"}, {"name": "B"}, "changed", "A", "B"),
    ({}, {"name": "B"}, "created", None, "B"),
    ({"name": "A"}, {"name": None}, "deleted", "A", None),
    ({}, {"derived_name": "d"}, "created", None, "d"),
    ({"description": "a"}, {"description": "b"}, "changed", "a", "b"),
    ({}, {"filters": {"insight": "PATHS"}}, "changed", {}, {"insight": "PATHS"}),
    ({}, {"query": SIGN_UP}, "created", None, SIGN_UP),
    ({"query": SIGN_UP}, {"query": None}, "deleted", SIGN_UP, None),
    ({}, {"favorited": True}, "changed", False, True),
    ({"tags": ["b"]}, {"tags": ["c", "B", "a"]}, "changed", ["b"], ["a", "b", "c"]),
]


@pytest.mark.parametrize(
    ("made_with", "patched", "action", "before", "after"),
    CHANGES,
    ids=[f"{next(iter(row[1]))}-{row[2]}" for row in CHANGES],
)
async def test_a_changed_field_is_told(
    api: Api,
    made_with: dict[str, Any],
    patched: dict[str, Any],
    action: str,
    before: Any,
    after: Any,
) -> None:
    made = await api.insight(**made_with)
    await api(f"PATCH insights/{made['id']}/", patched)
    entry, _ = await entries(api, made["id"])
    assert entry["activity"] == "updated"
    (field,) = patched
    assert entry["detail"]["changes"] == [
        {"type": "Insight", "action": action, "field": field, "before": before, "after": after}
    ]


async def test_dashboards_are_told_by_number_and_name_before_and_after(api: Api) -> None:
    one, two = await api.dashboard(name="One"), await api.dashboard(name="Two")
    made = await api.insight(dashboards=[one])
    await api(f"PATCH insights/{made['id']}/", {"dashboards": [two]})
    entry = (await entries(api, made["id"]))[0]
    (change,) = entry["detail"]["changes"]
    assert (change["field"], change["before"], change["after"]) == (
        "dashboards", [{"id": one, "name": "One"}], [{"id": two, "name": "Two"}],
    )  # fmt: skip


async def test_one_patch_is_one_entry_with_the_fields_that_really_differ(api: Api) -> None:
    made = await api.insight(name="A", tags=["x"])
    await api(f"PATCH insights/{made['id']}/", {"name": "B", "tags": ["X"], "favorited": True})
    entry, _ = await entries(api, made["id"])
    assert [change["field"] for change in entry["detail"]["changes"]] == ["name", "favorited"]


async def test_nothing_changed_no_entry_and_saved_and_order_only_on_request(api: Api) -> None:
    made = await api.insight(name="A")
    path = f"insights/{made['id']}/"
    await api(f"PATCH {path}", {"name": "A"})
    await api(f"PATCH {path}", {"saved": False})
    await api(f"PATCH {path}", {"saved": False, "order": 4})
    await api(f"POST {path}viewed/")
    assert [entry["activity"] for entry in await entries(api, made["id"])] == ["created"]
    told = await entries(api, made["id"], "?all=true")
    assert [entry["activity"] for entry in told] == ["viewed", "updated", "updated", "created"]
    fields = [
        [c["field"] for c in e["detail"]["changes"]] for e in told if e["activity"] == "updated"
    ]
    assert fields == [["order"], ["saved"]]


async def test_deleting_and_restoring_are_told_and_a_deleted_one_still_answers(api: Api) -> None:
    made = await api.insight(name="A")
    await api(f"PATCH insights/{made['id']}/", {"deleted": True})
    (deleted, _) = await entries(api, made["id"])
    assert deleted["activity"] == "deleted"
    assert deleted["detail"]["changes"] == [
        {"type": "Insight", "action": "changed", "field": "deleted", "before": False, "after": True}
    ]
    await api(f"PATCH insights/{made['id']}/", {"deleted": False})
    restored = (await entries(api, made["id"]))[0]
    assert restored["activity"] == "restored"
    (change,) = restored["detail"]["changes"]
    assert (change["before"], change["after"]) == (True, False)


async def test_an_entry_keeps_the_name_of_its_moment(api: Api) -> None:
    made = await api.insight(name="First", derived_name="derived")
    await api(f"PATCH insights/{made['id']}/", {"name": "Second"})
    await api(f"PATCH insights/{made['id']}/", {"name": None})
    names = [entry["detail"]["name"] for entry in await entries(api, made["id"])]
    assert names == ["derived", "Second", "First"]
    nameless = await api.insight()
    (entry,) = await entries(api, nameless["id"])
    assert entry["detail"]["name"] is None


async def test_pages_are_numbered_from_one_and_linked(api: Api) -> None:
    made = await api.insight(name="0")
    for number in range(1, 12):
        await api(f"PATCH insights/{made['id']}/", {"name": str(number)})
    path = f"insights/{made['id']}/activity/"
    first = await api(f"GET {path}")
    first.says(200, total_count=12, previous=None)
    assert len(first["results"]) == 10
    second = await api(f"GET {first['next'].removeprefix('http://recount.test')}")
    second.says(200, total_count=12, next=None)
    assert len(second["results"]) == 2
    back = await api(f"GET {second['previous'].removeprefix('http://recount.test')}")
    assert back.body == first.body
    times = [entry["created_at"] for entry in first["results"] + second["results"]]
    assert times == sorted(times, reverse=True)
    (await api(f"GET {path}?limit=5&page=3")).says(200, next=None, total_count=12)
    past = await api(f"GET {path}?page=99")
    past.says(200, results=[], next=None, total_count=12)
    for odd in ("limit=0", "limit=x", "page=0", "page=x", "page=-1"):
        assert (await api(f"GET {path}?{odd}")).body["results"] == first["results"]


async def test_all_insights_of_the_project_share_one_log(api: Api) -> None:
    one, two = await api.insight(name="One"), await api.insight(name="Two")
    answer = await api("GET insights/activity/?limit=2")
    answer.says(200, results__0__item_id=str(two["id"]), results__1__item_id=str(one["id"]))
    everything = await api("GET insights/activity/?limit=1000")
    assert everything["total_count"] == len(everything["results"])
    foreign = await api(f"GET {api.elsewhere}insights/activity/", by=await api.stranger())
    foreign.says(200, results=[], total_count=0)


async def test_of_an_insight_that_never_was_there_is_none(api: Api) -> None:
    for reference in ("999999", "abcdefgh", "no-such"):
        (await api(f"GET insights/{reference}/activity/")).refuses(404, "not_found", "Not found.")
