"""Reads as of a moment: the very answers that were given then."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.events.access import AccessGranted, Grantee
from contracts.events.dashboard import DashboardCreated, DashboardRestricted
from contracts.events.insight import InsightDeleted, InsightRenamed, InsightTagged
from contracts.events.streams import StreamKind
from services.query.http.as_of import READS
from tests.examples import created
from tests.services.query.reads.past import LISTS, ONES, History, of, operation
from tests.services.query.reads.reading import Reading, reading

# Of today, whatever is asked.
TODAYS = frozenset(
    {
        "effective_restriction_level",
        "effective_privilege_level",
        "user_access_level",
        "access_token",
        "timezone",
    }
)


def stable(body: Any) -> Any:
    """A body without the members that are of today."""
    if isinstance(body, dict):
        return {name: stable(value) for name, value in body.items() if name not in TODAYS}
    return [stable(each) for each in body] if isinstance(body, list) else body


async def told(api: Reading, path: str) -> tuple[int, Any]:
    answer = await api.get(path)
    assert answer.status_code in (200, 404), (path, answer.text)
    return answer.status_code, stable(answer.json())


@pytest.mark.parametrize("seed", range(3))
async def test_as_of_a_position_is_what_was_answered_there(api: Reading, seed: int) -> None:
    history = History(seed)
    then: list[tuple[int, dict[str, tuple[int, Any]]]] = []
    for _ in range(15):
        end = await operation(api.projector, *next(history), by=history.actor)
        await api.projector.catch_up()
        then.append((end, {path: await told(api, path) for path in (*LISTS, *ONES)}))
    for end, answers in then:
        for path, (status, body) in answers.items():
            now = await told(api, f"{path}&as_of=p{end}")
            if status == 404 and now[0] == 200:
                # What was deleted has no present; its past shows that it was.
                shown = now[1]
                assert "results" in shown or shown.get("deleted") or "sharing" in path, path
                continue
            assert now == (status, body), (path, end)


async def make(api: Reading) -> None:
    """Positions 1 and 2: created and tagged; 3: renamed; 4 and 5: another one and a name."""
    first, second = of(StreamKind.INSIGHT, 1), of(StreamKind.INSIGHT, 2)
    made = created(insight_id=1, short_id="short001", name="A")
    await operation(api.projector, (first, [made, InsightTagged(("t",), ())]))
    await operation(api.projector, (first, [InsightRenamed("B", "A")]))
    other = created(insight_id=2, short_id="short002")
    await operation(api.projector, (second, [other]), (first, [InsightRenamed("C", "B")]))
    await api.projector.catch_up()


FORMS = [
    ("v2", "A", 2),
    ("v3", "B", 3),
    ("v4", "C", 5),
    ("p2", "A", 2),
    ("p3", "B", 3),
    ("p4", "B", 3),
    ("p5", "C", 5),
    ("s3", "B", 3),
    ("s4", "B", 3),
    ("s5", "C", 5),
]


async def test_each_form_means_the_end_of_an_operation(api: Reading) -> None:
    await make(api)
    for asked, name, position in FORMS:
        answer = await api.get(f"insights/1/?as_of={asked}")
        assert answer.status_code == 200, (asked, answer.text)
        assert answer.json()["name"] == name, asked
        assert answer.headers["Insights-As-Of"] == f"p{position}"
        assert "Insights-As-Of-Settled" not in answer.headers


async def test_before_its_creation_and_beyond_its_versions_it_is_not_there(api: Reading) -> None:
    await make(api)
    for asked in ["v1", "v0", "v5", "p1", "p0", "s1", "s0"]:
        assert (await api.get(f"insights/1/?as_of={asked}")).status_code == 404, asked


async def test_a_time_means_the_last_operation_up_to_then(api: Reading) -> None:
    await make(api)
    rows = await api.projector.rows("SELECT recorded_at FROM log ORDER BY notification_id")
    for place, name in ((1, "A"), (2, "B"), (3, "B"), (4, "C")):
        at = rows[place]["recorded_at"].isoformat().replace("+", "%2B")
        answer = await api.get(f"insights/1/?as_of={at}")
        assert answer.json()["name"] == name, answer.text
        assert answer.headers["Insights-As-Of-Settled"] == "false"
    today = await api.get(f"insights/1/?as_of={datetime.now(UTC).date()}")
    assert today.headers["Insights-As-Of"] == "p5"
    assert (await api.get("insights/1/?as_of=2020-01-01")).status_code == 404
    empty = await api.get("insights/?as_of=2020-01-01T00:00:00Z")
    assert (empty.json()["count"], empty.headers["Insights-As-Of"]) == (0, "p0")
    assert "Insights-As-Of-Settled" not in empty.headers


WRONG = [
    ("7", "invalid_input"),
    ("", "invalid_input"),
    ("x7", "invalid_input"),
    ("v", "invalid_input"),
    ("2026-11-30T20:41:52", "invalid_input"),
    ("2026-13-30", "invalid_input"),
    ("2026-11-30T25:00:00Z", "invalid_input"),
    ("now", "invalid_input"),
    ("p6", "as_of_ahead"),
    ("s6", "as_of_ahead"),
    ("2999-01-01", "as_of_ahead"),
    ((datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"), "as_of_ahead"),
]


async def test_wrong_forms_are_refused(api: Reading) -> None:
    await make(api)
    for asked, code in WRONG:
        for path in ("insights/1/", "insights/", "dashboards/", "/api/projects/1/"):
            answer = await api.get(f"{path}?as_of={asked}")
            assert answer.status_code == 400, (path, asked)
            problem = answer.json()
            assert (problem["code"], problem["attr"]) == (code, "as_of"), asked


async def test_a_list_has_no_versions(api: Reading) -> None:
    await make(api)
    answer = await api.get("insights/?as_of=v1")
    assert (answer.status_code, answer.json()["attr"]) == (400, "as_of")


async def test_a_forked_cursor_is_told(api: Reading) -> None:
    await make(api)
    (row,) = await api.projector.rows("SELECT hash FROM log WHERE notification_id = 3")
    right = row["hash"].hex()[:16]
    assert (await api.get(f"insights/1/?as_of=s3-{right}")).status_code == 200
    wrong = await api.get("insights/1/?as_of=s3-0000000000000000")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "cursor_elsewhere")


async def test_what_does_not_honour_it_refuses_it(api: Reading) -> None:
    await make(api)
    for path in ("insights/my_last_viewed/", "/api/users/@me/", "/api/organizations/"):
        answer = await api.get(f"{path}?as_of=p1")
        assert (answer.status_code, answer.json()["code"]) == (400, "as_of_unsupported"), path


async def test_what_was_deleted_has_a_past(api: Reading) -> None:
    await make(api)
    await operation(api.projector, (of(StreamKind.INSIGHT, 1), [InsightDeleted()]))
    await api.projector.catch_up()
    assert (await api.get("insights/1/")).status_code == 404
    assert (await api.get("insights/1/?as_of=v5")).json()["deleted"] is True
    assert (await api.get("insights/1/?as_of=v4")).json()["deleted"] is False
    assert await api.ids("insights/?as_of=p5") == [2, 1]
    assert await api.ids("insights/?as_of=p6") == [2]


async def test_a_repeated_question_is_answered_again_only_for_the_same_moment(
    api: Reading,
) -> None:
    await make(api)
    today = f"insights/?as_of={datetime.now(UTC).date()}"
    first = await api.get(today)
    assert first.json() == (await api.get(today)).json()
    stream = of(StreamKind.INSIGHT, 1)
    await operation(api.projector, (stream, [InsightRenamed("D", "C")]))
    await api.projector.catch_up()
    names = {each["name"] for each in (await api.get(today)).json()["results"]}
    assert "D" in names


async def test_a_position_that_is_not_projected_yet_is_waited_for_and_then_refused(
    postgres_url: str,
) -> None:
    async with reading(postgres_url, position_wait_seconds=0.05) as api:
        await make(api)
        await operation(api.projector, (of(StreamKind.INSIGHT, 1), [InsightDeleted()]))
        answer = await api.get("insights/1/?as_of=p6")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert (await api.get("insights/1/?as_of=p5")).status_code == 200


async def test_pages_are_of_one_state_while_writers_write(api: Reading) -> None:
    for number in range(1, 13):
        made = created(insight_id=number, short_id=f"short{number:03}", name=f"{number:02}")
        await operation(api.projector, (of(StreamKind.INSIGHT, number), [made]))
    await api.projector.catch_up()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    link = f"insights/?limit=5&order=name&as_of={now}"
    seen: list[str] = []
    while link:
        page = await api.get(link)
        assert page.json()["count"] == 12
        seen += [each["name"] for each in page.json()["results"]]
        # Names move across pages, and one insight goes.
        for number in (1, 6, 12):
            renamed = InsightRenamed(f"{99 - len(seen) - number}", None)
            await operation(api.projector, (of(StreamKind.INSIGHT, number), [renamed]))
        await operation(api.projector, (of(StreamKind.INSIGHT, 3), [InsightDeleted()]))
        await api.projector.catch_up()
        link = (page.json()["next"] or "").removeprefix("https://recount.example")
    assert seen == [f"{number:02}" for number in range(1, 13)]


async def test_a_dashboards_levels_are_todays_and_its_restriction_is_of_then(api: Reading) -> None:
    board = of(StreamKind.DASHBOARD, 3)
    open_then = await operation(api.projector, (board, [DashboardCreated(3, "Growth")]))
    closed = await operation(api.projector, (board, [DashboardRestricted(37, 21)]))
    await api.projector.catch_up()
    read = READS._value.get()
    for end, then in ((open_then, 21), (closed, 37)):
        for by, privilege, level in (("alice", 37, "manager"), ("bob", 21, "viewer")):
            one = (await api.get(f"dashboards/3/?as_of=p{end}", by=by)).json()
            (listed,) = (await api.get(f"dashboards/?as_of=p{end}", by=by)).json()["results"]
            for body in (one, listed):
                assert body["restriction_level"] == then
                assert body["effective_restriction_level"] == 37
                assert body["effective_privilege_level"] == privilege
                assert body["user_access_level"] == level
    assert READS._value.get() == read + 8


async def test_todays_rights_rule_the_past(api: Reading) -> None:
    await make(api)
    rule = AccessGranted(1, Grantee(2, UUID(int=2)), "none", None)
    await operation(api.projector, (of(StreamKind.ACCESS, 1), [rule]))
    await api.projector.catch_up()
    assert (await api.get("insights/1/?as_of=p3", by="bob")).status_code == 403
    assert await api.ids("insights/?as_of=p5", by="bob") == [2]
    assert await api.ids("insights/?as_of=p5") == [2, 1]
