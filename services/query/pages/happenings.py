"""What happened, a line per fact; and whether the facts' chain holds."""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.api.insights import UserBody
from contracts.chain import BrokenChain, Entry, Link, follow
from contracts.events.recorded import Actor, UserActor
from contracts.fact_filters import STORED_NAMES, insight_of
from services.common.pages.names import Moment, doer, moment
from services.common.proofs.checkpoints import SignedCheckpoint

KINDS = sorted({name.partition(".")[0] for name in STORED_NAMES})
"""The first words of all facts' names."""


OF_READS = frozenset({"audit.reads_sealed.v1", "audit.reads_expired.v1"})
"""Facts that come of looking, at this page too: it would never rest if it showed them as news."""


class Signed(msgspec.Struct, frozen=True):
    """size: of the newest checkpoint, in facts. witnesses: that signed it, too."""

    size: int
    at: Moment
    witnesses: int


def signed(checkpoint: SignedCheckpoint | None, timezone: str) -> Signed | None:
    if checkpoint is None:
        return None
    return Signed(checkpoint.size, moment(checkpoint.at, timezone), checkpoint.witnesses)


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """subject: what it is about. path: of its page, in the project; None where it has none."""

    what: str
    subject: str
    path: str | None
    by: str
    at: Moment
    sequence: int


def happening(entry: Entry, users: Mapping[int, UserBody], timezone: str) -> Happening:
    thing, _, rest = entry.name.partition(".")
    insight = insight_of(entry)
    return Happening(
        what=f"{thing} {rest.partition('.')[0]}".replace("_", " "),
        subject=entry.subject if insight is None else f"insight {insight}",
        path=_path(entry.subject) if insight is None else f"insights/{insight}/",
        by=doer(user_of(entry), users),
        at=moment(entry.at, timezone),
        sequence=entry.team_seq,
    )


def _path(subject: str) -> str | None:
    kind, _, number = subject.partition("/")
    return f"{kind}s/{number}/" if kind in ("dashboard", "action", "cohort") else None


def user_of(entry: Entry) -> int | None:
    """None: the system, or a visitor."""
    actor = msgspec.json.decode(entry.actor, type=Actor)
    return actor.user_id if isinstance(actor, UserActor) else None


def broken(before: Link, entries: Sequence[Entry]) -> str | None:
    """What is wrong with the entries behind `before`; None when each follows the one before it."""
    link = before
    for entry in entries:
        try:
            link = follow(link, entry)
        except BrokenChain as found:
            return f"fact {entry.team_seq} ({found.reason})"
    return None
