"""The one path of a command: load, decide, append. Nothing else appends facts of an aggregate."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import Stream
from domain.errors import ConcurrentEdit, Refused
from services.common.http.caller import Caller
from services.common.http.etag import Told, gone, stale
from services.common.http.problems import Rejected
from services.common.log.store import (
    Append,
    EventStore,
    NewReceipt,
    Part,
    Pasts,
    Rank,
    RankLost,
    Receipt,
    ReceiptExists,
    of_stream,
)

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event", bound=DomainEvent)

# Who meets others gets in line: of all that meet, one is through at each attempt.
ATTEMPTS = 64


class Rules(msgspec.Struct, Generic[State, Command, Event], frozen=True):
    """An aggregate, as far as the path must know it.

    decide: command and state -> facts. fold: the stream's past -> state.
    changes_since: a history and a version -> what happened after it, in order, as a 412 tells it.
    is_deleted: whether what the stream is about is out of sight, and can be restored.
    """

    decide: Callable[[Command, State], Sequence[Event]]
    fold: Callable[[Sequence[Recorded[Event]]], State]
    changes_since: Callable[[Sequence[Recorded[Event]], int], list[Told]]
    is_deleted: Callable[[State], bool] = lambda _: False


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What came with the command.

    expected_version: the caller's If-Match. if_there: it is `*`.
    receipt: the caller's Idempotency-Key with its request's digest.
    """

    caller: Caller
    expected_version: int | None = None
    if_there: bool = False
    receipt: NewReceipt | None = None


class Outcome(msgspec.Struct, Generic[Event], frozen=True, kw_only=True):
    """What came of a command.

    history: the whole stream, new facts last; at a replay, as it stood after the first time.
    position: what a reader must have seen to see this.
    replayed: the Idempotency-Key was used before; nothing was done this time.
    """

    history: Sequence[Recorded[Event]]
    position: int
    replayed: bool = False

    @property
    def version(self) -> int:
        return self.history[-1].version if self.history else 0


class KeyReused(Exception):
    """The Idempotency-Key was used before, with another request."""


def _nothing(_: Sequence[DomainEvent]) -> tuple[Part, ...]:
    return ()


class Attempt(msgspec.Struct, Generic[Command, Event], frozen=True):
    """What is decided on this time.

    beside: the stream's new facts -> what other streams get in the same append. A part without
    facts holds that its stream does not move meanwhile.
    """

    command: Command
    beside: Callable[[Sequence[Event]], Sequence[Part]] = _nothing


Prepare = Callable[[Pasts], Awaitable[Attempt[Command, Event]]]
"""Looks at the pasts of the stream and of those beside it; may refuse. Asked at each attempt."""


async def handle(
    store: EventStore,
    rules: Rules[State, Command, Event],
    stream: Stream[Event],
    command: Command,
    terms: Terms,
) -> Outcome[Event]:
    """Append what `command` decides on the stream's present past. Raises as `handle_with` does."""

    async def as_it_is(_: Pasts) -> Attempt[Command, Event]:
        return Attempt(command)

    return await handle_with(store, rules, stream, as_it_is, terms)


async def handle_with(
    store: EventStore,
    rules: Rules[State, Command, Event],
    stream: Stream[Event],
    prepare: Prepare[Command, Event],
    terms: Terms,
    beside: Sequence[Stream[DomainEvent]] = (),
) -> Outcome[Event]:
    """Append what the command that `prepare` gives decides on the stream's present past.

    beside: streams that `prepare` looks at too, loaded in the same round trip.
    Raises what `prepare` and `decide` raise; Rejected 412 if the stream is not at
    `expected_version`, with what changed since, and if it is deleted and had to be there. Without a
    version we decide again on the newer past, ATTEMPTS times in all, then raise ConcurrentEdit.
    RankLost when the caller is less in the organization by now.
    """
    left = ATTEMPTS
    while True:
        left -= 1
        pasts = await store.load_all((stream, *beside))
        past = pasts[stream]
        # Before the version: what changed is told to nobody who may not see it.
        attempt = await prepare(pasts)
        expected = terms.expected_version
        if expected is not None and expected != len(past):
            raise stale(expected, len(past), rules.changes_since(past, expected))
        state = rules.fold(past)
        events = tuple(rules.decide(attempt.command, state))
        if terms.if_there and rules.is_deleted(state):
            raise gone(len(past))
        others = tuple(attempt.beside(events))
        if not events and terms.receipt is None and not any(part.events for part in others):
            return Outcome(history=past, position=past[-1].position if past else 0)
        own = Part(stream, len(past), events)
        try:
            appended = await store.append(_append((own, *others), terms))
        except ConcurrentEdit:
            if not left:
                raise
            continue
        except ReceiptExists as used:
            return await _replay(store, used.receipt, terms)
        return Outcome(
            history=[*past, *of_stream(stream, appended.recorded)], position=appended.position
        )


async def once(
    store: EventStore, terms: Terms, act: Callable[[], Awaitable[Outcome[Event]]]
) -> Outcome[Event]:
    """What comes of `act`, or came of the request that had this Idempotency-Key first.

    act: all that looks, draws and decides. Asked about first, since that request has moved the very
    versions and names that this one still speaks of; and again when `act` is refused, since it may
    have been refused for what the other has done meanwhile. Raises what `act` does, and KeyReused.
    """
    before = await _replayed(store, terms)
    if before is not None:
        return before
    try:
        return await act()
    except (Refused, Rejected, RankLost):
        meanwhile = await _replayed(store, terms)
        if meanwhile is None:
            raise
        return meanwhile


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
    return Outcome(history=history, position=receipt.position, replayed=True)


def _append(parts: tuple[Part, ...], terms: Terms) -> Append:
    """The stream of the command comes first: a receipt remembers it, to answer from it again."""
    caller = terms.caller
    return Append(
        parts=parts,
        actor=caller.actor,
        operation_id=caller.operation_id,
        correlation_id=caller.correlation_id,
        receipt=terms.receipt,
        rank=rank_of(caller),
    )


def rank_of(caller: Caller) -> Rank:
    """What every right of theirs rests on, held until the append: a rank is no fact, so it can't be
    held like a stream.
    """
    organization_id = caller.project.organization_id
    return Rank(organization_id, caller.user.id, caller.user.memberships.get(organization_id, 0))
