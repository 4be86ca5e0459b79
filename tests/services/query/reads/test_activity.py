"""GET of the activity log: what old clients see, what `?all=true` adds, and its pages."""

from typing import Any
from uuid import UUID

import pytest

from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightFavorited,
    InsightRenamed,
    InsightSaved,
    InsightUnsaved,
)
from contracts.events.recorded import SystemActor
from contracts.events.sharing import SharingEnabled
from contracts.events.viewing import InsightViewed
from tests.examples import BOB, INSIGHT, created
from tests.services.projector.projecting import insight, sharing, viewing
from tests.services.query.reads.reading import BASE, Reading

OF_ONE = f"insights/{INSIGHT}/activity/"


async def entries(api: Reading, path: str) -> list[dict[str, Any]]:
    answer = await api.get(path)
    assert answer.status_code == 200
    return list(answer.json()["results"])


async def test_an_entry_says_who_did_what_to_which_insight(api: Reading) -> None:
    await api.projector.append(created(name="A"))
    (fact,) = await api.projector.append(InsightRenamed("B", "A"), actor=BOB)
    await api.projector.catch_up()
    newest, oldest = await entries(api, OF_ONE)
    assert UUID(newest.pop("id")).version == 5
    assert newest.pop("operation_id") == str(fact.operation_id)
    assert newest.pop("key_id") is None
    assert newest.pop("sequence") == fact.team_seq
    assert newest.pop("created_at") == fact.at.isoformat().replace("+00:00", "Z")
    assert newest == {
        "user": {"first_name": "Bob", "email": "bob@example.com"},
        "activity": "updated",
        "scope": "Insight",
        "item_id": str(INSIGHT),
        "detail": {
            "id": None,
            "changes": [
                {
                    "type": "Insight",
                    "action": "changed",
                    "field": "name",
                    "before": "A",
                    "after": "B",
                }
            ],
            "merge": None,
            "trigger": None,
            "name": "B",
            "short_id": "aB3dE6gH",
            "type": None,
        },
    }
    assert (oldest["activity"], oldest["detail"]["changes"]) == ("created", None)


async def test_what_recount_does_itself_is_done_by_the_system(api: Reading) -> None:
    await api.projector.append(created(), actor=SystemActor())
    await api.projector.catch_up()
    (entry,) = await entries(api, OF_ONE)
    assert entry["user"] == {"first_name": "System", "email": None, "is_system": True}


async def test_what_posthog_does_not_tell_is_told_when_asked_for_all(api: Reading) -> None:
    await api.projector.append(created(saved=False))
    await api.projector.append(InsightSaved(), InsightFavorited())
    await api.projector.append(InsightUnsaved())
    await api.projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await api.projector.catch_up()

    def told(found: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
        return [
            (entry["activity"], [each["field"] for each in entry["detail"]["changes"] or []])
            for entry in found
        ]

    assert told(await entries(api, OF_ONE)) == [("updated", ["favorited"]), ("created", [])]
    everything = [
        ("viewed", []),
        ("updated", ["saved"]),
        ("updated", ["saved", "favorited"]),
        ("created", []),
    ]
    assert told(await entries(api, f"{OF_ONE}?all=true")) == everything
    assert told(await entries(api, "insights/activity/?all=True")) == everything


async def test_a_dashboard_and_a_share_show_as_posthog_shows_them(api: Reading) -> None:
    await api.projector.append(created())
    await api.projector.append(InsightAddedToDashboard(1, 10, "KPIs"))
    await api.projector.append(SharingEnabled(INSIGHT, 1), of=sharing())
    await api.projector.catch_up()
    shared, moved, _ = await entries(api, OF_ONE)
    assert shared["activity"] == "sharing enabled"
    assert shared["detail"]["changes"] == [
        {"type": "Insight", "action": "changed", "field": "sharing", "before": None, "after": True}
    ]
    (change,) = moved["detail"]["changes"]
    assert (change["before"], change["after"]) == ([], [{"id": 10, "name": "KPIs"}])


async def test_a_deleted_insight_still_answers(api: Reading) -> None:
    await api.projector.append(created(), InsightDeleted())
    await api.projector.append(created(insight_id=8, short_id="second00"), of=insight(8))
    await api.projector.catch_up()
    assert len(await entries(api, OF_ONE)) == 1
    assert len(await entries(api, "insights/aB3dE6gH/activity")) == 1
    assert len(await entries(api, "insights/activity/")) == 2


@pytest.mark.parametrize("path", ["insights/8/activity/", "insights/x/activity/"])
async def test_an_insight_that_never_was_has_no_activity(api: Reading, path: str) -> None:
    assert (await api.get(path)).status_code == 404


@pytest.mark.parametrize("path", [OF_ONE, "insights/activity/"])
async def test_pages_hold_every_entry_once(api: Reading, path: str) -> None:
    await api.projector.append(created(name="0"))
    for number in range(11):
        await api.projector.append(InsightRenamed(str(number + 1), str(number)))
    await api.projector.catch_up()
    assert len(await entries(api, path)) == 10
    followed: list[str] = []
    url: str | None = f"{path}?limit=5"
    while url is not None:
        answer = (await api.get(url.removeprefix(BASE))).json()
        assert answer["total_count"] == 12
        followed += [entry["detail"]["name"] for entry in answer["results"]]
        url = answer["next"]
    assert followed == [str(number) for number in range(11, -1, -1)]
    last = (await api.get(f"{path}?limit=5&page=3")).json()
    assert (len(last["results"]), last["next"]) == (2, None)
    assert last["previous"] == f"{BASE}/api/projects/1/{path}?limit=5&page=2"
    beyond = (await api.get(f"{path}?page=999999999999")).json()
    assert (beyond["results"], beyond["next"], beyond["total_count"]) == ([], None, 12)


@pytest.mark.parametrize("sent", ["limit=0", "limit=-1", "limit=x", "page=0", "page=-1", "page=x"])
async def test_a_limit_or_page_that_is_none_is_the_default(api: Reading, sent: str) -> None:
    await api.projector.append(created())
    await api.projector.catch_up()
    assert len(await entries(api, f"{OF_ONE}?{sent}")) == 1


async def test_activity_known_to_the_client_is_not_sent_again(api: Reading) -> None:
    await api.projector.append(created())
    await api.projector.catch_up()
    known = {"If-None-Match": (await api.get(OF_ONE)).headers["ETag"]}
    assert (await api.get(OF_ONE, headers=known)).status_code == 304
    await api.projector.append(InsightFavorited())
    await api.projector.catch_up()
    assert (await api.get(OF_ONE, headers=known)).status_code == 200


async def test_a_total_that_was_kept_follows_every_change(api: Reading) -> None:
    await api.projector.append(created(name="A"))
    await api.projector.catch_up()

    async def total(by: str = "alice", more: str = "") -> int:
        answer = await api.get(f"insights/activity/{more}", by=by)
        return int(answer.json()["total_count"])

    assert [await total(), await total(), await total("bob")] == [1, 1, 1]
    await api.projector.append(InsightSaved())
    # Not applied yet: counted anew, and not kept as if it were.
    assert [await total(more="?all=true"), await total(more="?all=true")] == [1, 1]
    await api.projector.catch_up()
    assert [await total(more="?all=true"), await total(), await total("bob")] == [2, 1, 1]
    await api.projector.append(InsightFavorited())
    await api.projector.catch_up()
    assert [await total(), await total(), await total("bob")] == [2, 2, 2]
