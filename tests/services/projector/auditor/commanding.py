"""Random commands over every kind of stream, some over several at once."""

import random
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Raw

from contracts.events.access import AccessGranted, AccessRevoked
from contracts.events.action import ActionCreated, ActionStepsChanged
from contracts.events.cohort import CohortCreated, CohortPeopleAdded
from contracts.events.dashboard import DashboardCreated, DashboardRenamed, TileAdded
from contracts.events.history import InsightsChangedInBulk
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightDeleted,
    InsightRenamed,
    InsightRestored,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharingDisabled, SharingEnabled
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from tests.examples import TEAM, created

Part = tuple[Stream[DomainEvent], Sequence[DomainEvent]]

USERS = 3


class Commands:
    """Of two projects. What a command says of before is right, as deciding would have it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names: dict[tuple[int, int], str | None] = {}
        self._deleted: set[tuple[int, int]] = set()
        self._shared: set[tuple[int, int]] = set()
        self._boards: dict[tuple[int, int], str] = {}
        self._numbers = 0

    def next(self) -> list[Part]:
        team = self._random.choice((TEAM, TEAM, TEAM + 1))
        known = [number for of, number in self._names if of == team]
        if len(known) < 2 or self._random.random() < 0.05:
            return [self._create(team)]
        number = self._random.choice(known)
        ways: Sequence[Callable[[int, int], list[Part]]] = (
            *(self._rename, self._rename, self._delete, self._tag, self._share),
            *(self._view, self._view, self._grant, self._board, self._bulk, self._define),
        )
        return self._random.choice(ways)(team, number)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _create(self, team: int) -> Part:
        number = self._number()
        self._names[team, number] = None
        event = created(insight_id=number, short_id=f"s{number:07}", name=None)
        return Stream(StreamKind.INSIGHT, team, number), [event]

    def _renamed(self, team: int, number: int) -> Part:
        name = f"Name {self._random.randrange(1000)}"
        previous, self._names[team, number] = self._names[team, number], name
        return Stream(StreamKind.INSIGHT, team, number), [InsightRenamed(name, previous)]

    def _rename(self, team: int, number: int) -> list[Part]:
        return [self._renamed(team, number)]

    def _delete(self, team: int, number: int) -> list[Part]:
        event = InsightRestored() if (team, number) in self._deleted else InsightDeleted()
        self._deleted ^= {(team, number)}
        return [(Stream(StreamKind.INSIGHT, team, number), [event])]

    def _tag(self, team: int, number: int) -> list[Part]:
        tags = tuple(self._random.sample(["a", "b", "c"], 2))
        return [(Stream(StreamKind.INSIGHT, team, number), [InsightTagged(tags, ())])]

    def _share(self, team: int, number: int) -> list[Part]:
        stream: Stream[DomainEvent] = Stream(StreamKind.SHARING, team, number)
        if (team, number) in self._shared:
            self._shared.remove((team, number))
            return [(stream, [SharingDisabled(number)])]
        self._shared.add((team, number))
        return [(stream, [SharingEnabled(number, token_id=self._number())])]

    def _view(self, team: int, number: int) -> list[Part]:
        user = self._random.randrange(1, USERS + 1)
        others = [other for of, other in self._names if of == team]
        looked = {number, self._random.choice(others)}
        stream: Stream[DomainEvent] = Stream(StreamKind.VIEWING, team, user)
        return [(stream, [InsightViewed(each, user) for each in sorted(looked)])]

    def _grant(self, team: int, number: int) -> list[Part]:
        stream: Stream[DomainEvent] = Stream(StreamKind.ACCESS, team, number)
        event = self._random.choice(
            (AccessGranted(number, None, "viewer", None), AccessRevoked(number, None, "viewer"))
        )
        return [(stream, [event])]

    def _board(self, team: int, number: int) -> list[Part]:
        """A dashboard with a tile: two streams; or another name."""
        boards = [board for of, board in self._boards if of == team]
        if boards and self._random.random() < 0.5:
            board = self._random.choice(boards)
            previous, self._boards[team, board] = self._boards[team, board], f"B {self._number()}"
            renamed = DashboardRenamed(self._boards[team, board], previous)
            return [(Stream(StreamKind.DASHBOARD, team, board), [renamed])]
        board = self._number()
        self._boards[team, board] = "New"
        tile = self._number()
        return [
            (
                Stream(StreamKind.DASHBOARD, team, board),
                [DashboardCreated(board, "New"), TileAdded(tile, number)],
            ),
            (
                Stream(StreamKind.INSIGHT, team, number),
                [InsightAddedToDashboard(tile, board, "New")],
            ),
        ]

    def _bulk(self, team: int, number: int) -> list[Part]:
        """Many insights in one operation, each in its stream."""
        known = [other for of, other in self._names if of == team]
        chosen = self._random.sample(known, min(3, len(known)))
        return [
            (Stream(StreamKind.HISTORY, team, 0), [InsightsChangedInBulk(tuple(chosen))]),
            *(self._renamed(team, each) for each in chosen),
        ]

    def _define(self, team: int, number: int) -> list[Part]:
        new = self._number()
        if self._random.random() < 0.5:
            people = tuple(UUID(int=self._random.randrange(100)) for _ in range(3))
            cohort: list[DomainEvent] = [
                CohortCreated(new, is_static=True),
                CohortPeopleAdded(tuple(dict.fromkeys(people))),
            ]
            return [(Stream(StreamKind.COHORT, team, new), cohort)]
        steps = Raw(b'[{"event":"paid"}]')
        action: list[DomainEvent] = [
            ActionCreated(new, name="Pays"),
            ActionStepsChanged(steps, Raw(b"[]")),
        ]
        return [(Stream(StreamKind.ACTION, team, new), action)]
