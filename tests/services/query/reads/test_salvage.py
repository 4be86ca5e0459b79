"""A stored row that this version can't read is shown as far as it goes, and breaks no list."""

import pytest
from msgspec import Raw
from psycopg import sql

from contracts.events.action import ActionCreated
from contracts.events.cohort import CohortCreated
from contracts.events.dashboard import DashboardCreated
from contracts.events.insight import InsightRenamed
from contracts.events.streams import StreamKind
from contracts.json import EMPTY_OBJECT
from services.query.reads.insights import ROWS
from tests.examples import INSIGHT, created, stream
from tests.services.projector.projecting import dashboard, insight
from tests.services.query.reads.reading import Reading

STEPS = Raw(b'[{"event":"paid"}]')


async def two_of_each(api: Reading) -> None:
    """Named A and B; the insight A has an entry for its renaming, too."""
    append = api.projector.append
    await append(created(name="A"))
    await append(created(insight_id=8, short_id="second00", name="B"), of=insight(8))
    await append(InsightRenamed("A", "A0"))
    for number, name in ((3, "A"), (4, "B")):
        await append(
            DashboardCreated(dashboard_id=number, name=name, filters=EMPTY_OBJECT),
            of=dashboard(number),
        )
        await append(
            ActionCreated(action_id=number, name=name, steps=STEPS),
            of=stream(StreamKind.ACTION, number),
        )
        await append(
            CohortCreated(cohort_id=number, name=name, is_static=False, filters=EMPTY_OBJECT),
            of=stream(StreamKind.COHORT, number),
        )
    await api.projector.catch_up()


def hurt(table: str, damage: str, number: int) -> tuple[sql.Composed, str, int]:
    column = "insight_id" if table == "activity" else f"{table[:-1]}_id"
    statement = sql.SQL("UPDATE {} SET row = %s WHERE {} = %s")
    return statement.format(sql.Identifier(table), sql.Identifier(column)), damage, number


@pytest.mark.parametrize("damage", ["{}", '{"name": 7, "%s_id": 3}'])
@pytest.mark.parametrize("table", ["insights", "dashboards", "actions", "cohorts"])
async def test_a_row_that_nobody_can_read_breaks_no_list(
    api: Reading, table: str, damage: str
) -> None:
    await two_of_each(api)
    number = INSIGHT if table == "insights" else 3
    await api.projector.execute(*hurt(table, damage.replace("%s", table[:-1]), number))
    answer = await api.get(f"{table}/")
    assert answer.status_code == 200
    shown = {each["name"]: each["id"] for each in answer.json()["results"]}
    assert shown.keys() == {"B", None}
    assert shown[None] == (0 if damage == "{}" else 3)
    assert (await api.get(f"{table}/{number}/")).status_code == 200


async def test_an_entry_that_nobody_can_read_breaks_no_activity(api: Reading) -> None:
    await two_of_each(api)
    await api.projector.execute(*hurt("activity", '{"changes": 5, "name": "A"}', 8))
    answer = await api.get("insights/activity/")
    assert answer.status_code == 200
    assert [each["activity"] for each in answer.json()["results"]] == [
        "updated", "created", "created",
    ]  # fmt: skip


async def test_a_step_that_nobody_can_read_breaks_no_list_of_actions(api: Reading) -> None:
    await two_of_each(api)
    await api.projector.execute(
        """UPDATE actions SET row = jsonb_set(row::jsonb, '{steps,0,url_matching}', '"sounds like"')
        WHERE action_id = 3"""
    )
    answer = await api.get("actions/")
    assert [(each["name"], len(each["steps"])) for each in answer.json()["results"]] == [
        ("B", 1), ("A", 0),
    ]  # fmt: skip


def test_what_can_be_read_of_a_row_is_kept() -> None:
    row = ROWS.decode('{"insight_id": 7, "name": "A", "tags": 5, "order": "x", "favorited": true}')
    assert (row.insight_id, row.name, row.favorited) == (7, "A", True)
    assert (row.tags, row.order, row.short_id) == ((), None, "")
