"""Which facts a subscriber wants: by type, by insight, by subject. One rule for every transport."""

import re
from collections.abc import Collection, Iterable
from typing import Protocol, get_args

import msgspec

from contracts.chain import Entry
from contracts.events.recorded import DomainEvent
from contracts.events.streams import StreamKind
from contracts.events.upcasts import STEPS

STORED_NAMES: Collection[str] = frozenset(
    {str(kind.__struct_config__.tag) for kind in get_args(DomainEvent)} | set(STEPS)
)
"""Of every fact that was ever stored."""

_ANY = "*"
_SUBJECT = re.compile(rf"(?:{'|'.join(StreamKind)})/[0-9]{{1,18}}")
# Their subject is the insight's own number, under one of these.
_OF_INSIGHTS = ("insight/", "sharing/", "share_login/", "access/")
_VIEWED = "viewing.insight_viewed."


class UnknownType(ValueError):
    """No fact has this type, or begins with this prefix."""


class UnknownSubject(ValueError):
    """No thing is named so."""


class EntryFilter(Protocol):
    """What somebody who reads a chain wants of it. everything: nothing is left out."""

    @property
    def everything(self) -> bool: ...
    def matches(self, entry: Entry) -> bool: ...


class TypeFilter(msgspec.Struct, frozen=True):
    """Stored names, `insight.renamed.v1`, and prefixes of them, `insight.`; neither: all."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.names and not self.prefixes

    def matches(self, name: str) -> bool:
        return self.everything or name in self.names or name.startswith(self.prefixes)


class FactFilter(msgspec.Struct, frozen=True):
    """All of them must match. insight: facts about this one. subjects: of any of these."""

    types: TypeFilter = TypeFilter()
    insight: int | None = None
    subjects: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return self.types.everything and self.insight is None and not self.subjects

    def matches(self, entry: Entry) -> bool:
        return (
            self.types.matches(entry.name)
            and (not self.subjects or entry.subject in self.subjects)
            and (self.insight is None or self.insight == insight_of(entry))
        )


EVERYTHING = FactFilter()


def parse_types(wanted: str | Iterable[str]) -> TypeFilter:
    """A list, or text with commas: stored names, and `insight.*` for all that begin so.

    None of them, or `*`: all types. Raises UnknownType, so that no misspelling waits for ever.
    """
    words = [word for word in _words(wanted) if word]
    names, prefixes = set(), set()
    for word in words:
        prefix = word.removesuffix(_ANY)
        if word in STORED_NAMES:
            names.add(word)
        elif word == _ANY:
            return TypeFilter()
        elif prefix != word and prefix.endswith(".") and _begins_some(prefix):
            prefixes.add(prefix)
        else:
            raise UnknownType(f"No fact has the type {word!r}.")
    return TypeFilter(frozenset(names), tuple(sorted(prefixes)))


def parse_subjects(wanted: str | Iterable[str]) -> frozenset[str]:
    """A list, or text with commas: `insight/1`. Raises UnknownSubject."""
    words = [word for word in _words(wanted) if word]
    for word in words:
        if not _SUBJECT.fullmatch(word):
            raise UnknownSubject(f"{word!r} is no subject: insight/1 and dashboard/2 are.")
    return frozenset(words)


def insight_of(entry: Entry) -> int | None:
    """The insight that the entry is about: its own facts, those of its sharing and access rules,
    and the views and logins that name it. None: about none.
    """
    if entry.subject.startswith(_OF_INSIGHTS):
        # access/0 is the project's rules.
        return int(entry.subject.rpartition("/")[2]) or None
    if entry.name.startswith(_VIEWED):
        return msgspec.json.decode(entry.event, type=_Naming).insight_id
    return None


class _Naming(msgspec.Struct, frozen=True):
    insight_id: int | None = None


def _words(wanted: str | Iterable[str]) -> list[str]:
    found = wanted.split(",") if isinstance(wanted, str) else wanted
    return [word.strip() for word in found]


def _begins_some(prefix: str) -> bool:
    return any(name.startswith(prefix) for name in STORED_NAMES)
