"""The one path of a command: load, decide, append. Nothing else appends facts of an aggregate."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec

from contracts.events.recorded import DomainEvent, Recorded, Stream
from domain.errors import ConcurrentEdit, Stale
from services.common.caller import Caller
from services.common.store import (
    Append,
    EventStore,
    NewReceipt,
    Part,
    Receipt,
    ReceiptExists,
)

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event", bound=DomainEvent)

ATTEMPTS = 5


class Rules(msgspec.Struct, Generic[State, Command, Event], frozen=True):
    """An aggregate, as far as the path must know it.

    decide: command and state -> facts. fold: the stream's past -> state.
    """

    decide: Callable[[Command, State], Sequence[Event]]
    fold: Callable[[Sequence[Recorded[Event]]], State]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What came with the command.

    expected_version: the caller's If-Match.
    receipt: the caller's Idempotency-Key with its request's digest.
    """

    caller: Caller
    expected_version: int | None = None
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


async def handle(
    store: EventStore,
    rules: Rules[State, Command, Event],
    stream: Stream,
    command: Command,
    terms: Terms,
) -> Outcome[Event]:
    """Append what `command` decides on the stream's present past.

    Raises what `decide` raises; Stale if the stream has moved on from `expected_version`. Without
    one we decide again on the newer past, ATTEMPTS times in all, then raise ConcurrentEdit.
    """
    for attempt in range(1, ATTEMPTS + 1):
        past = cast("list[Recorded[Event]]", await store.load(stream))
        if terms.expected_version not in (None, len(past)):
            raise Stale(terms.expected_version, len(past), past)
        events = tuple(rules.decide(command, rules.fold(past)))
        if not events and terms.receipt is None:
            return Outcome(history=past, position=past[-1].position if past else 0)
        try:
            appended = await store.append(
                _append(Part(stream, len(past), cast("tuple[DomainEvent, ...]", events)), terms)
            )
        except ConcurrentEdit:
            if attempt == ATTEMPTS:
                raise
            continue
        except ReceiptExists as used:
            return await replay(store, used.receipt, terms)
        new = cast("tuple[Recorded[Event], ...]", appended.recorded)
        return Outcome(history=[*past, *new], position=appended.position)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def replayed(store: EventStore, terms: Terms) -> Outcome[Any] | None:
    """The outcome of an earlier request with this Idempotency-Key; None when there was none.

    Asked before anything else is looked at, since the first request has moved the very versions
    and names that the second one still speaks of.
    """
    if terms.receipt is None:
        return None
    caller = terms.caller
    receipt = await store.receipt(caller.team_id, caller.actor, terms.receipt.key)
    return None if receipt is None else await replay(store, receipt, terms)


async def replay(store: EventStore, receipt: Receipt, terms: Terms) -> Outcome[Any]:
    """Raises KeyReused when the key came with another request."""
    if terms.receipt is None or receipt.request_hash != terms.receipt.request_hash:
        raise KeyReused
    history = await store.load(receipt.stream_id, receipt.version)
    return Outcome(history=history, position=receipt.position, replayed=True)


def _append(part: Part, terms: Terms) -> Append:
    caller = terms.caller
    return Append(
        parts=(part,),
        actor=caller.actor,
        operation_id=caller.operation_id,
        correlation_id=caller.correlation_id,
        receipt=terms.receipt,
    )
