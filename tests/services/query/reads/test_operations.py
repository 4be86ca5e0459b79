"""An operation as a whole: what it did, what led to it, and what undid it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.access import AccessGranted, Grantee
from contracts.events.audit import HoldPlaced
from contracts.events.cohort import CohortCreated, CohortPeopleAdded
from contracts.events.dashboard import DashboardCreated, TileAdded
from contracts.events.history import OperationsUndone
from contracts.events.insight import InsightAddedToDashboard, InsightRenamed
from contracts.events.recorded import UserActor
from contracts.events.streams import StreamKind, hold_stream
from contracts.events.viewing import InsightViewed
from services.common.log.store import Append, AppendPart
from tests.examples import created
from tests.services.query.reads.past import Part, of, operation
from tests.services.query.reads.reading import Reading

INSIGHT = of(StreamKind.INSIGHT, 1)
WITH_KEY = UserActor(2, "cxiSkaznYyUIDflR")


async def did(api: Reading, *parts: Part, by: UserActor = WITH_KEY) -> UUID:
    number = uuid4()
    await api.projector.store.append(
        Append(
            parts=tuple(AppendPart(stream, None, tuple(events)) for stream, events in parts),
            actor=by,
            operation_id=number,
            correlation_id=number,
        )
    )
    await api.projector.catch_up()
    return number


async def body(api: Reading, path: str, **options: Any) -> Any:
    answer = await api.get(path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def made(api: Reading) -> Reading:
    await operation(api.projector, (INSIGHT, [created(insight_id=1, name="A")]))
    board = of(StreamKind.DASHBOARD, 3)
    await operation(api.projector, (board, [DashboardCreated(dashboard_id=3, name="Growth")]))
    return api


async def test_an_operation_tells_what_it_did_stream_by_stream(made: Reading) -> None:
    number = await did(
        made,
        (INSIGHT, [InsightRenamed("B", "A"), InsightAddedToDashboard(13, 3, "Growth")]),
        (of(StreamKind.DASHBOARD, 3), [TileAdded(tile_id=13, insight_id=1)]),
    )
    found = await body(made, f"operations/{number}/")
    assert (found["position"], found["trigger"], found["undone_by"]) == (5, None, [])
    assert found["user"]["first_name"] == "Bob"
    assert found["key_id"] == "cxiSkaznYyUIDflR"
    assert (found["undoable"], found["not_undoable"]) == (True, [])
    insight, board = found["parts"]
    assert insight == {
        "kind": "insight",
        "id": 1,
        "first_version": 2,
        "version": 3,
        "types": ["insight.renamed.v1", "insight.added_to_dashboard.v1"],
        "sentences": ['Renamed from "A" to "B".', 'Put on dashboard "Growth" (3).'],
    }
    assert (board["kind"], board["id"], board["types"]) == (
        "dashboard",
        3,
        ["dashboard.tile_added.v1"],
    )


async def test_an_undo_is_told_on_both_sides(made: Reading) -> None:
    renamed = await did(made, (INSIGHT, [InsightRenamed("B", "A")]))
    undo = await did(
        made,
        (INSIGHT, [InsightRenamed("A", "B")]),
        (of(StreamKind.HISTORY, 0), [OperationsUndone((renamed,))]),
    )
    trigger = {"job_type": "undo", "job_id": str(renamed), "payload": {}}
    assert (await body(made, f"operations/{renamed}/"))["undone_by"] == [str(undo)]
    taken = await body(made, f"operations/{undo}/")
    assert taken["trigger"] == trigger
    assert [part["kind"] for part in taken["parts"]] == ["insight"]
    for path in ("insights/1/activity/", "insights/activity/"):
        newest, before, *_ = (await body(made, path))["results"]
        assert newest["detail"]["trigger"] == trigger
        assert (newest["operation_id"], newest["key_id"]) == (str(undo), WITH_KEY.key_id)
        assert before["detail"]["trigger"] is None


async def test_what_nothing_takes_back_is_named(made: Reading) -> None:
    cohort = of(StreamKind.COHORT, 1)
    made_list = await did(
        made, (cohort, [CohortCreated(cohort_id=1, is_static=True), CohortPeopleAdded((uuid4(),))])
    )
    added = await did(made, (cohort, [CohortPeopleAdded((uuid4(),))]))
    assert (await body(made, f"operations/{made_list}/"))["undoable"] is True
    found = await body(made, f"operations/{added}/")
    assert found["undoable"] is False
    assert found["not_undoable"] == [
        {
            "kind": "cohort",
            "id": 1,
            "type": "cohort.people_added.v1",
            "reason": "People are not taken out of a list again.",
        }
    ]


async def test_what_is_about_insights_out_of_sight_is_left_out(made: Reading) -> None:
    rule = AccessGranted(1, Grantee(2, UUID(int=2)), "none", None)
    ruled = await did(made, (of(StreamKind.ACCESS, 1), [rule]))
    both = await did(
        made,
        (INSIGHT, [InsightAddedToDashboard(13, 3, "Growth")]),
        (of(StreamKind.DASHBOARD, 3), [TileAdded(tile_id=13, insight_id=1)]),
    )
    hidden = await did(made, (of(StreamKind.VIEWING, 1), [InsightViewed(1, 1)]))
    told = (await body(made, f"operations/{ruled}/"))["parts"]
    assert [part["sentences"] for part in told] == [["Access of user 2 is none by a rule now."]]
    parts = (await body(made, f"operations/{both}/", by="bob"))["parts"]
    assert [part["kind"] for part in parts] == ["dashboard"]
    assert (await made.get(f"operations/{hidden}/", by="bob")).status_code == 404
    assert (await body(made, f"operations/{hidden}/"))["undoable"] is False


@pytest.mark.parametrize("number", ["5d1f4c1e-6a53-4b7f-8a0e-2d9d1f6f5a11", "x", "1"])
async def test_an_unknown_operation_is_not_there(made: Reading, number: str) -> None:
    assert (await made.get(f"operations/{number}/")).status_code == 404


async def test_an_operation_of_another_project_is_not_there(made: Reading) -> None:
    number = await did(made, (INSIGHT, [InsightRenamed("B", "A")]))
    answer = await made.get(f"/api/projects/2/operations/{number}/", by="carol")
    assert answer.status_code == 404


async def test_what_auditors_are_told_is_shown_to_administrators_alone(made: Reading) -> None:
    placed = await did(made, (hold_stream(1, 1), [HoldPlaced(1, "Case 17", (), ())]))
    shown = await body(made, f"operations/{placed}/", by="alice")
    assert 'Hold 1 keeps the whole project from erasure: "Case 17".' in str(shown)
    assert (await made.get(f"operations/{placed}/", by="bob")).status_code == 404
