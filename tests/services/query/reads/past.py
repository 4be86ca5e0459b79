"""Random histories of everything that can be asked as of a moment, and the questions."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from msgspec import Raw

from contracts.events.access import AccessGranted, Grantee
from contracts.events.action import ActionCreated, ActionDeleted, ActionRenamed, ActionRestored
from contracts.events.cohort import CohortCreated, CohortPeopleAdded, CohortRenamed
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardUnpinned,
    TileAdded,
)
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightFavorited,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightTagged,
)
from contracts.events.project import ProjectRegistered, ProjectRenamed, ProjectTimezoneChanged
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharingDisabled, SharingEnabled, SharingPasswordRequired
from contracts.events.streams import Stream, StreamKind
from contracts.json import NULL
from services.common.log.store import Append, AppendPart
from tests.examples import ALICE, BOB, FUNNEL, TEAM, created
from tests.services.projector.projecting import Projecting

Part = tuple[Stream[DomainEvent], Sequence[DomainEvent]]

INSIGHTS = (1, 2, 3)
BOARDS = (1, 2)
LISTS = (
    "insights/?limit=1000",
    "insights/?limit=1000&order=-name",
    "insights/?limit=1000&search=na",
    'insights/?limit=1000&tags=["a"]',
    "insights/?limit=1000&dashboards=[1]",
    "insights/?limit=1000&saved=true&basic=true",
    "dashboards/?limit=1000",
    "actions/?limit=1000",
    "cohorts/?limit=1000",
    "insights/activity/?limit=1000&all=true",
    "insights/activity/?limit=1000",
    "/api/projects/1/?x",
)
ONES = (
    *(f"insights/{number}/?x" for number in INSIGHTS),
    "insights/1/?from_dashboard=1",
    "insights/1/sharing/?x",
    "insights/1/access_controls/?x",
    "insights/2/global_access_controls/?x",
    "insights/1/activity/?limit=1000&all=true",
    *(f"dashboards/{number}/?x" for number in BOARDS),
    "actions/1/?x",
    "cohorts/1/?x",
)
"""Each ends so that one more parameter can follow."""


def of(kind: StreamKind, number: int) -> Stream[DomainEvent]:
    return Stream(kind, TEAM, number)


async def operation(projector: Projecting, *parts: Part, by: Any = ALICE) -> int:
    """The position of its last fact."""
    number = uuid4()
    appended = await projector.store.append(
        Append(
            parts=tuple(AppendPart(stream, None, tuple(events)) for stream, events in parts),
            actor=by,
            operation_id=number,
            correlation_id=number,
        )
    )
    return appended.position


class History:
    """Commands as they might come, in any order: of every kind, over one stream or several."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._made: set[tuple[StreamKind, int]] = set()

    def __next__(self) -> list[Part]:
        parts: dict[Stream[DomainEvent], list[DomainEvent]] = {}
        for _ in range(self._random.choice((1, 1, 1, 2, 3))):
            for stream, events in self._command():
                parts.setdefault(stream, []).extend(events)
        return list(parts.items())

    def _command(self) -> list[Part]:
        kind = self._random.choice(
            (StreamKind.INSIGHT,) * 5
            + (StreamKind.DASHBOARD,) * 3
            + (
                StreamKind.SHARING,
                StreamKind.ACCESS,
                StreamKind.ACTION,
                StreamKind.COHORT,
                StreamKind.PROJECT,
            )
        )
        if kind is StreamKind.INSIGHT:
            return self._insight(self._random.choice(INSIGHTS))
        if kind is StreamKind.DASHBOARD:
            return self._board(self._random.choice(BOARDS))
        return [self._other(kind)]

    def _is_new(self, kind: StreamKind, number: int) -> bool:
        new = (kind, number) not in self._made
        self._made.add((kind, number))
        return new

    def _insight(self, number: int) -> list[Part]:
        stream = of(StreamKind.INSIGHT, number)
        if self._is_new(StreamKind.INSIGHT, number):
            made = created(insight_id=number, short_id=f"short00{number}", name="name", saved=True)
            return [(stream, [made])]
        board = self._random.choice(BOARDS)
        tile = number * 10 + board
        event: DomainEvent = self._random.choice(
            (
                InsightRenamed(self._word(), None),
                InsightTagged((self._word(),), ()),
                InsightFavorited(),
                InsightReordered(self._random.randrange(5), None),
                InsightQueryChanged(FUNNEL, NULL),
                InsightAddedToDashboard(tile, board, "D"),
                InsightRemovedFromDashboard(tile, board, "D"),
                InsightDeleted(),
                InsightRestored(),
            )
        )
        parts: list[Part] = [(stream, [event])]
        if isinstance(event, InsightAddedToDashboard) and (StreamKind.DASHBOARD, board) in (
            self._made
        ):
            added = TileAdded(tile_id=tile, insight_id=number)
            parts.append((of(StreamKind.DASHBOARD, board), [added]))
        return parts

    def _board(self, number: int) -> list[Part]:
        stream = of(StreamKind.DASHBOARD, number)
        if self._is_new(StreamKind.DASHBOARD, number):
            return [(stream, [DashboardCreated(dashboard_id=number, name="Growth")])]
        return [
            (
                stream,
                [
                    self._random.choice(
                        (
                            DashboardRenamed(self._word(), None),
                            DashboardPinned(),
                            DashboardUnpinned(),
                            DashboardDescribed(self._word(), ""),
                            DashboardDeleted(),
                            DashboardRestored(),
                        )
                    )
                ],
            )
        ]

    def _other(self, kind: StreamKind) -> Part:
        number = 0 if kind is StreamKind.PROJECT else 1
        new = self._is_new(kind, number)
        choices: tuple[DomainEvent, ...]
        if kind is StreamKind.SHARING:
            choices = (
                SharingEnabled(1, token_id=1),
                SharingDisabled(1),
                SharingPasswordRequired(1),
            )
            choices = choices[:1] if new else choices
        elif kind is StreamKind.ACCESS:
            grantee = Grantee(2, UUID(int=2))
            choices = tuple(AccessGranted(1, grantee, level, None) for level in ("viewer", "none"))
        elif kind is StreamKind.ACTION:
            choices = (ActionRenamed(self._word(), None), ActionDeleted(), ActionRestored())
            choices = (ActionCreated(action_id=1, name="Pays"),) if new else choices
        elif kind is StreamKind.COHORT:
            choices = (CohortRenamed(self._word(), None), CohortPeopleAdded((uuid4(),)))
            choices = (CohortCreated(cohort_id=1, is_static=True),) if new else choices
        else:
            choices = (
                ProjectRenamed(self._word(), "One"),
                ProjectTimezoneChanged("Asia/Tokyo", "UTC"),
            )
            choices = (ProjectRegistered("One", "UTC", 0, Raw(b"[]")),) if new else choices
        return of(kind, number), [self._random.choice(choices)]

    def _word(self) -> str:
        return self._random.choice(("a", "b", "name", "other"))

    @property
    def actor(self) -> Any:
        return self._random.choice((ALICE, BOB))
