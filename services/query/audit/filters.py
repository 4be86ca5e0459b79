"""Which entries an auditor wants."""

from datetime import datetime

import msgspec

from contracts.chain import Entry
from contracts.events.recorded import Actor, UserActor
from contracts.fact_filters import EVERYTHING, FactFilter

_actor = msgspec.json.Decoder(Actor)


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All of them must match. kinds: of things, `insight`; none: all. user, key_id: who acted.

    since, until: of the entry's time; `until` is left out.
    """

    facts: FactFilter = EVERYTHING
    kinds: frozenset[str] = frozenset()
    user: int | None = None
    key_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        asked = (self.kinds, self.user, self.key_id, self.since, self.until)
        return self.facts.everything and not any(each not in (None, frozenset()) for each in asked)

    def matches(self, entry: Entry) -> bool:
        return (
            (not self.kinds or entry.subject.partition("/")[0] in self.kinds)
            and (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
            and self.facts.matches(entry)
            and self._is_by(entry)
        )

    def _is_by(self, entry: Entry) -> bool:
        if self.user is None and self.key_id is None:
            return True
        who = _actor.decode(entry.actor)
        return (
            isinstance(who, UserActor)
            and self.user in (None, who.user_id)
            and self.key_id in (None, who.key_id)
        )
