"""When definitions that insights name were changed, so that numbers may have moved."""

from collections.abc import Sequence
from typing import TypeVar

from contracts.codec import stored_name
from contracts.events.action import ActionDeleted, ActionRestored, ActionStepsChanged
from contracts.events.cohort import (
    CohortDeleted,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRestored,
)
from contracts.events.project import ProjectTestAccountFiltersChanged
from contracts.events.recorded import DomainEvent, Recorded
from services.projector.checkpoint import Connection
from services.projector.projection import OwnStream, ProjectionTable

Row = TypeVar("Row")
Event = TypeVar("Event", bound=DomainEvent)

DEFINITION_CHANGES = ProjectionTable("definition_changes", ("stream_id", "position"), OwnStream())
"""Written beside the rows of actions, cohorts and settings; owned by those of actions."""

MOVING = (
    ActionStepsChanged, ActionDeleted, ActionRestored,
    CohortFiltersChanged, CohortPeopleAdded, CohortDeleted, CohortRestored,
    ProjectTestAccountFiltersChanged,
)  # fmt: skip
"""The facts after which an insight may count something else; names and descriptions are not."""

_SAVE = """
    INSERT INTO definition_changes (stream_id, position, team_id, at, user_id, what)
    VALUES (%(stream_id)s, %(position)s, %(team_id)s, %(at)s, %(user_id)s, %(what)s)
    ON CONFLICT (stream_id, position) DO NOTHING"""


async def keep_changes(
    conn: Connection, touched: Sequence[tuple[Row, Sequence[Recorded[Event]]]]
) -> None:
    changes = [
        {
            "stream_id": fact.stream_id,
            "position": fact.position,
            "team_id": fact.team_id,
            "at": fact.at,
            "user_id": fact.user_id,
            "what": stored_name(fact.event).split(".")[1],
        }
        for _, facts in touched
        for fact in facts
        if isinstance(fact.event, MOVING)
    ]
    async with conn.cursor() as cursor:
        await cursor.executemany(_SAVE, changes)
