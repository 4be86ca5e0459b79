"""The one path of a command: load, decide, append. Nothing else appends facts of an aggregate."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream, StreamKind, sharing_stream
from domain.errors import ConcurrentEdit, Refused
from services.command.plans import Plan, require_unmoved
from services.common.http.caller import Caller
from services.common.http.problems import ChangeLine, Rejected, gone, stale
from services.common.log.store import (
    Append,
    AppendPart,
    EventStore,
    NewReceipt,
    Pasts,
    Rank,
    RankLost,
    Receipt,
    ReceiptExists,
    of_stream,
)

T = TypeVar("T")
State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event", bound=DomainEvent)

# Of all writers that collide, exactly one succeeds per round: this many can do so at once.
ROUNDS = 64


class Rules(msgspec.Struct, Generic[State, Command, Event], frozen=True):
    """An aggregate, as far as the path must know it.

    decide: command and state -> facts. fold: the stream's past -> state.
    changes_since: a history and a version -> what happened after it, in order, as a 412 tells it.
    is_deleted: whether what the stream is about is out of sight, and can be restored.
    """

    decide: Callable[[Command, State], Sequence[Event]]
    fold: Callable[[Sequence[Recorded[Event]]], State]
    changes_since: Callable[[Sequence[Recorded[Event]], int], list[ChangeLine]]
    is_deleted: Callable[[State], bool] = lambda _: False


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of a command: its caller, and the conditions of its headers.

    expected_version: the caller's If-Match. if_there: it is `*`.
    receipt: the caller's Idempotency-Key with its request's digest.
    dry_run: all of it but the append. plan: of a dry run, to be done as it stands there or not at
    all. request: a digest of the request, which a plan names.
    """

    caller: Caller
    expected_version: int | None = None
    if_there: bool = False
    receipt: NewReceipt | None = None
    dry_run: bool = False
    plan: Plan | None = None
    request: str = ""


class Outcome(msgspec.Struct, Generic[Event], frozen=True, kw_only=True):
    """The outcome of a command.

    history: the whole stream, new facts last; at a replay, as it stood after the first time.
    position: what a reader must have seen to see this.
    operation_id: under which facts were appended, this time or the first; None: none were.
    replayed: the Idempotency-Key was used before; nothing was done this time.
    """

    history: Sequence[Recorded[Event]]
    position: int
    operation_id: UUID | None = None
    replayed: bool = False

    @property
    def version(self) -> int:
        return self.history[-1].version if self.history else 0


class PlannedPart(msgspec.Struct, frozen=True):
    """The facts that a stream would get, as if they stood in it. past: those before them; none of a
    stream that they stand in blind.
    """

    stream: Stream[DomainEvent]
    past: Sequence[Recorded[Any]]
    facts: Sequence[Recorded[Any]]


class Planned(Exception):
    """A dry run has come as far as the append: nothing is appended, and this is the answer.

    append: all parts that it would have. parts: those with facts. shares: of the insights among
    them, the pasts of their sharing.
    """

    def __init__(
        self,
        terms: Terms,
        append: Sequence[AppendPart],
        parts: Sequence[PlannedPart],
        shares: Mapping[int, Sequence[Recorded[Any]]],
    ) -> None:
        super().__init__(f"{len(parts)} streams would change")
        self.terms = terms
        self.append = append
        self.parts = parts
        self.shares = shares


class KeyReused(Exception):
    """The Idempotency-Key was used before, with another request."""


def _none(_: Sequence[DomainEvent]) -> tuple[AppendPart, ...]:
    return ()


class PreparedWrite(msgspec.Struct, Generic[Command, Event], frozen=True):
    """The command to decide on, made anew for each round.

    other_parts: the stream's new facts -> what other streams get in the same append. A part without
    facts holds that its stream does not move meanwhile.
    causation_id: the operation that led to this one.
    """

    command: Command
    other_parts: Callable[[Sequence[Event]], Sequence[AppendPart]] = _none
    causation_id: UUID | None = None


Prepare = Callable[[Pasts], Awaitable[PreparedWrite[Command, Event]]]
"""Looks at the pasts that were loaded for the write; may refuse. Runs in each round."""


class Write(msgspec.Struct, Generic[Command, Event], frozen=True):
    """A request's write to one stream.

    looks_at: streams that `prepare` looks at besides, loaded in the same round trip.
    blind: its facts stand behind whatever the stream holds by then.
    """

    stream: Stream[Event]
    prepare: Prepare[Command, Event]
    looks_at: Sequence[Stream[DomainEvent]] = ()
    blind: bool = False


Begin = Callable[[], Awaitable[Write[Command, Event]]]
"""Draws the numbers and tokens that a command needs; may refuse. Never asked for a repeat."""


def plain(stream: Stream[Event], command: Command) -> Write[Command, Event]:
    """A command that is decided on its stream alone."""

    async def prepare(_: Pasts) -> PreparedWrite[Command, Event]:
        return PreparedWrite(command)

    return Write(stream, prepare)


def given(write: T) -> Callable[[], Awaitable[T]]:
    """A write that needs nothing drawn."""

    async def begin() -> T:
        return write

    return begin


async def handle(
    store: EventStore,
    rules: Rules[State, Command, Event],
    begin: Begin[Command, Event],
    terms: Terms,
) -> Outcome[Event]:
    """Append what a write decides, once: a repeat under its Idempotency-Key gets the first outcome.

    The receipt is looked up before anything is drawn or looked at: the first request has moved the
    very versions and names that its repeat still speaks of. It is looked up again when the write is
    refused, which may be for what the first request has done meanwhile.

    Raises what `begin`, `prepare` and `decide` raise; KeyReused; Rejected 412 if the stream is not
    at `expected_version`, with what changed since, and if it is deleted and had to be there.
    Without a version we decide again on the newer past, ROUNDS times in all, then raise
    ConcurrentEdit. RankLost when the caller's role was lowered meanwhile.
    """
    before = await _replayed(store, terms)
    if before is not None:
        return before
    try:
        return await _write(store, rules, await begin(), terms)
    except (Refused, Rejected, RankLost):
        meanwhile = await _replayed(store, terms)
        if meanwhile is None:
            raise
        return meanwhile


async def _write(
    store: EventStore,
    rules: Rules[State, Command, Event],
    write: Write[Command, Event],
    terms: Terms,
) -> Outcome[Event]:
    stream = write.stream
    left = ROUNDS
    while True:
        left -= 1
        pasts = await store.load_all((stream, *write.looks_at))
        past = pasts[stream]
        # Before the version: a caller who may not see the insight gets no list of its changes.
        prepared = await write.prepare(pasts)
        expected = terms.expected_version
        if terms.plan is not None:
            expected = terms.plan.version_of(stream)
        if expected is not None and expected != len(past):
            raise stale(expected, len(past), rules.changes_since(past, expected))
        state = rules.fold(past)
        events = tuple(rules.decide(prepared.command, state))
        if terms.if_there and rules.is_deleted(state):
            raise gone(len(past))
        others = tuple(prepared.other_parts(events))
        own = AppendPart(stream, None if write.blind else len(past), events)
        if terms.dry_run:
            raise await planned(store, terms, (own, *others))
        if terms.plan is not None:
            require_unmoved(terms.plan, (own, *others))
        if not events and terms.receipt is None and not any(part.events for part in others):
            return Outcome(history=past, position=past[-1].position if past else 0)
        try:
            appended = await store.append(_append((own, *others), terms, prepared.causation_id))
        except ConcurrentEdit:
            if not left:
                raise
            continue
        except ReceiptExists as used:
            return await _replay(store, used.receipt, terms)
        return Outcome(
            history=[*past, *of_stream(stream, appended.recorded)],
            position=appended.position,
            operation_id=terms.caller.operation_id if appended.recorded else None,
        )


async def planned(store: EventStore, terms: Terms, append: Sequence[AppendPart]) -> Planned:
    """The answer to a dry run that has come as far as this append. One or two more round trips, for
    what stood before the facts in all of the streams; of those that are long and that nothing is
    decided on, for its length alone.
    """
    team_id, caller = terms.caller.team_id, terms.caller
    changing = [part for part in append if part.events]
    insights = [p.stream.number for p in changing if p.stream.kind is StreamKind.INSIGHT]
    shares = {number: sharing_stream(team_id, number) for number in insights}
    held = [part.stream for part in changing if part.after is not None]
    pasts = await store.load_all([*held, *shares.values()])
    lengths = {stream: len(pasts[stream]) for stream in held}
    lengths |= await store.lengths([part.stream for part in changing if part.after is None])
    parts = [
        PlannedPart(
            part.stream,
            pasts[part.stream] if part.stream in held else (),
            [
                Recorded(
                    position=0,
                    stream_id=part.stream.id,
                    version=version,
                    team_id=team_id,
                    team_seq=0,
                    at=datetime.now(UTC),
                    actor=caller.actor,
                    operation_id=caller.operation_id,
                    correlation_id=caller.correlation_id,
                    event=event,
                )
                for version, event in enumerate(part.events, start=lengths[part.stream] + 1)
            ],
        )
        for part in changing
    ]
    return Planned(terms, append, parts, {number: pasts[s] for number, s in shares.items()})


async def _replayed(store: EventStore, terms: Terms) -> Outcome[Any] | None:
    if terms.receipt is None:
        return None
    caller = terms.caller
    receipt = await store.receipt(caller.team_id, caller.actor, terms.receipt.key)
    return None if receipt is None else await _replay(store, receipt, terms)


async def _replay(store: EventStore, receipt: Receipt, terms: Terms) -> Outcome[Any]:
    """Raises KeyReused when the key came with another request."""
    if terms.receipt is None or receipt.request_hash != terms.receipt.request_hash:
        raise KeyReused
    history = await store.load_by_id(receipt.stream_id, receipt.version)
    # A command that left its own stream alone is not told from one that appended nothing.
    did = bool(history) and history[-1].operation_id == receipt.operation_id
    return Outcome(
        history=history,
        position=receipt.position,
        operation_id=receipt.operation_id if did else None,
        replayed=True,
    )


def _append(parts: tuple[AppendPart, ...], terms: Terms, causation_id: UUID | None) -> Append:
    """The stream of the command comes first: a receipt remembers it, to answer from it again."""
    caller = terms.caller
    return Append(
        parts=parts,
        actor=caller.actor,
        operation_id=caller.operation_id,
        correlation_id=caller.correlation_id,
        causation_id=causation_id,
        receipt=terms.receipt,
        rank=rank_of(caller),
    )


def rank_of(caller: Caller) -> Rank:
    """The caller's rank, which the caller's rights rest on. The append checks it: a rank is no
    fact, so no stream's version holds it.
    """
    organization_id = caller.project.organization_id
    return Rank(organization_id, caller.user.id, caller.user.memberships.get(organization_id, 0))
