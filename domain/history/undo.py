"""Takes operations back on any stream: each kind by its own rules, newest first."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind
from domain.access import decide as access_rules
from domain.access import undo as access
from domain.access import view as access_view
from domain.action import decide as action_rules
from domain.action import undo as action
from domain.action import view as action_view
from domain.bus_consumer import decide as bus_consumer_rules
from domain.bus_consumer import undo as bus_consumer
from domain.bus_consumer import view as bus_consumer_view
from domain.cohort import decide as cohort_rules
from domain.cohort import state as cohort_state
from domain.cohort import undo as cohort
from domain.dashboard import decide as dashboard_rules
from domain.dashboard import undo as dashboard
from domain.dashboard import view as dashboard_view
from domain.history import never
from domain.history.undoing import (
    Conflict,
    FreePlace,
    NotUndoable,
    Undoing,
    UndoTerms,
    UndoWarning,
)
from domain.insight import decide as insight_rules
from domain.insight import undo as insight
from domain.insight import view as insight_view
from domain.project import decide as project_rules
from domain.project import undo as project
from domain.project import view as project_view
from domain.sharing import decide as sharing_rules
from domain.sharing import undo as sharing
from domain.sharing import view as sharing_view
from domain.webhook import decide as webhook_rules
from domain.webhook import undo as webhook
from domain.webhook import view as webhook_view

# The facts of a stream, whatever its kind: the kind is looked at before anything else is.
Past = Sequence[Recorded[Any]]


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing operations does to one stream.

    facts: to be appended; none when it is refused, or when nothing would change.
    already: the operations of which nothing would change any more. The rest: as of `Undoing`.
    """

    facts: tuple[DomainEvent, ...] = ()
    already: tuple[UUID, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    free: tuple[FreePlace, ...] = ()
    not_undoable: tuple[NotUndoable, ...] = ()
    warnings: tuple[UndoWarning, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Unless only what is free was asked for."""
        return bool(self.conflicts or self.not_undoable)


def take_back(
    stream: Stream[DomainEvent], operations: Iterable[UUID], past: Past, terms: UndoTerms
) -> TakenBack:
    """Undo the operations, newest first, each on what undoing those before it leaves.

    One that did nothing to the stream counts as undone. Raises Refused as the rules do.
    """
    so_far, facts = list(past), list[DomainEvent]()
    each_undone: dict[UUID, Undoing[Any]] = {}
    for operation_id in operations:
        undoing = each_undone[operation_id] = undo(stream, operation_id, so_far, terms)
        for command in undoing.commands:
            decided = decide(stream, command, so_far)
            facts += decided
            so_far += _supposed(decided, so_far, operation_id)
    all_undone = each_undone.values()
    taken = TakenBack(
        facts=tuple(facts),
        already=tuple(each for each, undoing in each_undone.items() if undoing.already),
        conflicts=tuple(one for each in all_undone for one in each.conflicts),
        free=tuple(one for each in all_undone for one in each.free),
        not_undoable=tuple(one for each in all_undone for one in each.not_undoable),
        warnings=tuple(dict.fromkeys(one for each in all_undone for one in each.warnings)),
    )
    if taken.is_refused and not terms.only_free:
        return replace(taken, facts=(), warnings=())
    return taken


def undo(
    stream: Stream[DomainEvent], operation_id: UUID, past: Past, terms: UndoTerms
) -> Undoing[Any]:
    """The commands that undo one operation on one stream, or the conflicts."""
    return _rules(stream.kind).undo(stream, operation_id, past, terms)


def decide(stream: Stream[DomainEvent], command: Any, past: Past) -> list[DomainEvent]:
    """The facts of a command that `undo` gave, by the ordinary rules of its kind."""
    rules = _rules(stream.kind)
    return list(rules.decide(command, rules.fold(past)))


def _passed_over(*_: object) -> Undoing[None]:
    return Undoing()


class _Rules(msgspec.Struct, frozen=True):
    """One kind's. Without decide: there never is a command."""

    undo: Callable[[Any, UUID, Past, UndoTerms], Undoing[Any]]
    decide: Callable[[Any, Any], Sequence[DomainEvent]] = lambda *_: ()
    fold: Callable[[Past], Any] = lambda _: None


def _rules(kind: StreamKind) -> _Rules:
    match kind:
        case StreamKind.INSIGHT:
            return _Rules(insight.undo, insight_rules.decide, insight_view.view)
        case StreamKind.SHARING:
            return _Rules(sharing.undo, sharing_rules.decide, sharing_view.view)
        case StreamKind.ACCESS:
            return _Rules(access.undo, access_rules.decide, access_view.view)
        case StreamKind.DASHBOARD:
            return _Rules(dashboard.undo, dashboard_rules.decide, dashboard_view.view)
        case StreamKind.ACTION:
            return _Rules(action.undo, action_rules.decide, action_view.view)
        case StreamKind.COHORT:
            return _Rules(cohort.undo, cohort_rules.decide, cohort_state.fold)
        case StreamKind.PROJECT:
            return _Rules(project.undo, project_rules.decide, project_view.view)
        case StreamKind.WEBHOOK:
            return _Rules(webhook.undo, webhook_rules.decide, webhook_view.view)
        case StreamKind.BUS_CONSUMER:
            return _Rules(bus_consumer.undo, bus_consumer_rules.decide, bus_consumer_view.view)
        case (
            StreamKind.VIEWING
            | StreamKind.SHARE_LOGIN
            | StreamKind.AUDIT
            | StreamKind.ERASURE
            | StreamKind.HOLD
            | StreamKind.ACCOUNT
        ):
            return _Rules(never.undo)
        case StreamKind.HISTORY:
            # Undoing an undo undoes its facts; that it was one stays true.
            return _Rules(_passed_over)
        case _:
            assert_never(kind)


def _supposed(events: Iterable[DomainEvent], past: Past, operation_id: UUID) -> Past:
    """The facts as if they stood in the stream already.

    They go by the operation that they take back: nobody else has changed anything by them.
    """
    like = next(fact for fact in past if fact.operation_id == operation_id)
    return [
        replace(like, version=version, event=event)
        for version, event in enumerate(events, start=past[-1].version + 1)
    ]
