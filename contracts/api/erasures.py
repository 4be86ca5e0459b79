"""Erasures and legal holds on the wire."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.insights import UserBody
from contracts.api.text import TRIMMED
from contracts.api.times import Time

SHORTEST_TEXT = 3
MOST_ENTRIES = 10_000

State = Literal["requested", "logical", "physical", "failed"]
Reason = Annotated[str, Meta(max_length=200, extra=TRIMMED)]


class WriteErasure(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST audit/erasures/. One of the first four.

    entries: sequences of the project's log. text: what is to go wherever people wrote it, in
    whatever case. user: the number of a user of Recount. person: a distinct id of product events.
    reason: kept for ever; it had better not repeat what goes. only: of `entries`, though others say
    the same.
    """

    entries: tuple[int, ...] | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=1_000)] | UnsetType = UNSET
    user: int | UnsetType = UNSET
    person: Annotated[str, Meta(min_length=1, max_length=400)] | UnsetType = UNSET
    reason: Reason = ""
    only: bool = False


class ErasedEntryBody(msgspec.Struct, frozen=True):
    """An entry whose payload is gone. commitment: hexadecimal; it stays. fields: what it lost."""

    sequence: int
    type: str
    commitment: str
    fields: tuple[str, ...]


class StateBody(msgspec.Struct, frozen=True):
    state: State
    at: Time


class FailureBody(msgspec.Struct, frozen=True):
    """Where it stopped, and why: `recount erase --resume` takes it up again."""

    place: str
    reason: str


class ErasureBody(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure, which is its own receipt.

    requested_by: null where it came from the command line. reads: spans of the read trail that do
    not say any more who read. counts: what went, by place. waits_for: the place that is next.
    remains: what is out of reach, in words. receipt: all that as a signed note under the log's key;
    null until it is logical, and without a key.
    """

    id: int
    state: State
    reason: str
    requested_by: UserBody | None
    requested_at: Time
    entries: tuple[ErasedEntryBody, ...]
    reads: tuple[tuple[int, int], ...]
    states: tuple[StateBody, ...]
    counts: dict[str, int]
    waits_for: str | None
    failed: FailureBody | None
    remains: tuple[str, ...]
    receipt: str | None


class ErasurePage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first; `next` is null."""

    results: tuple[ErasureBody, ...]
    next: str | None = None


class ConcernedEntry(msgspec.Struct, frozen=True):
    """An entry that would go. subject: the thing that it is about, `insight/7`."""

    sequence: int
    type: str
    subject: str
    fields: tuple[str, ...]


class ErasureTrial(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a dry run: what would go. places: where it would be looked for, in order."""

    entries: tuple[ConcernedEntry, ...]
    places: tuple[str, ...]
    remains: tuple[str, ...]


class WriteHold(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST audit/holds/. users, insights: numbers; without both, the whole project."""

    reason: Annotated[str, Meta(min_length=1, max_length=200, extra=TRIMMED)] | UnsetType = UNSET
    users: tuple[int, ...] | None = None
    insights: tuple[int, ...] | None = None


class HoldBody(msgspec.Struct, frozen=True, kw_only=True):
    """A legal hold. lifted_at: null while nothing that it covers is erased or expires."""

    id: int
    reason: str
    users: tuple[int, ...]
    insights: tuple[int, ...]
    placed_by: UserBody | None
    placed_at: Time
    lifted_at: Time | None


class HoldPage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first, lifted ones too; `next` is null."""

    results: tuple[HoldBody, ...]
    next: str | None = None
