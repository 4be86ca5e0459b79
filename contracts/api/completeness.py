"""What is there of a chain and what was proved of it, as GET audit/completeness/ says it."""

from typing import Literal
from uuid import UUID

import msgspec

from contracts.api.times import Time


class CompleteHead(msgspec.Struct, frozen=True, kw_only=True):
    """The chain's last entry."""

    sequence: int
    position: int
    hash: str
    at: Time


class CompleteTree(msgspec.Struct, frozen=True, kw_only=True):
    """The newest signed checkpoint. witnesses: how many cosigned it."""

    size: int
    root: str
    signed_at: Time
    witnesses: int


class CompleteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """verified_through: every entry up to this sequence is the one that was written."""

    verified_through: int
    verified_at: Time | None


class CompleteEntries(msgspec.Struct, frozen=True, kw_only=True):
    """As of the auditor's last whole round. activity: entries of the activity log. operations: each
    with every thing that it changed. missing: operations without an entry.
    """

    activity: int
    operations: int
    missing: int


class UncleanRun(msgspec.Struct, frozen=True, kw_only=True):
    """A process that answered reads and had no end. taken_over_at: when another one had stored what
    it had not; null: it has not yet.
    """

    run: UUID
    started_at: Time
    seen_at: Time
    taken_over_at: Time | None


class CompleteReads(msgspec.Struct, frozen=True, kw_only=True):
    """last_number: given to a read. sealed_through: whose seal is in the log. verified_through:
    all up to there are as they were sealed.
    """

    last_number: int
    sealed_through: int
    verified_through: int
    unclean_runs: tuple[UncleanRun, ...]


class CompleteStream(msgspec.Struct, frozen=True, kw_only=True):
    """The public stream, which has the facts of every project. Positions, seen once a minute.

    holes: messages that the sweep found missing or altered, until they are there again.
    """

    first: int
    last: int
    holes: int
    swept_through: int
    swept_at: Time | None


class Divergences(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were not as the log tells them, ever; and those of them that were written anew."""

    found: int
    healed: int


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """auditor: off: nothing is proved, and what was before gets older. head: null in a project
    without facts. tree: null: nothing was signed yet. entries: null before the auditor's first
    whole round. stream: null: there is none. oldest_proof: when the stream was proved that was
    proved longest ago, of all projects; null: not all were. problems: what is not as it should be;
    ok: there is none.
    """

    project: int
    auditor: Literal["on", "off"]
    head: CompleteHead | None
    tree: CompleteTree | None
    facts: CompleteFacts
    entries: CompleteEntries | None
    reads: CompleteReads
    erased: int
    holds: int
    stream: CompleteStream | None
    divergences: Divergences
    oldest_proof: Time | None
    problems: tuple[str, ...]
    ok: bool
