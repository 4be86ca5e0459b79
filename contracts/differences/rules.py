"""Two objects compared by rules, each of which speaks of some of their members.

Whatever differs and is spoken of by no rule gets the sentence of `documents.other_changes`: so a
difference has a sentence whatever the rules know, and a rule may stay silent.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.differences.difference import NO_NAMES, Names
from contracts.differences.documents import alike, joined, member_changes
from contracts.differences.words import capital

Json = Any
Document = Mapping[str, Json]

_ABSENT = object()


class At(msgspec.Struct, frozen=True):
    """Where a comparison stands.

    path: of the two objects in their document, "" at its root.
    subject: what conditions and mathematics are said of (`Step 2`); "" for the whole query.
    steps: the index after of each step before, as far as it is still there.
    step: the noun of a step.
    """

    path: str = ""
    names: Names = NO_NAMES
    subject: str = ""
    steps: Mapping[int, int] = {}
    noun: str = "Step"

    def inside(self, name: str) -> "At":
        return msgspec.structs.replace(self, path=joined(self.path, name))


SAID_ELSEWHERE = ""
"""A sentence that is not spoken: what differs follows from what another sentence says."""

Say = Callable[[Document, Document, At], Sequence[str]]
"""The sentences for two objects whose members of a rule differ; none where it has no words."""


class Rule(msgspec.Struct, frozen=True):
    """members: those that it speaks of, all together."""

    members: tuple[str, ...]
    say: Say


def compared(before: Document, after: Document, rules: Sequence[Rule], at: At) -> list[str]:
    """A sentence or more exactly when the two differ."""
    names = [*before, *(name for name in after if name not in before)]
    differ = [name for name in names if differs(before, after, name)]
    said: list[str] = []
    for rule in rules:
        if not any(name in differ for name in rule.members):
            continue
        found = rule.say(before, after, at)
        if found:
            said += found
            differ = [name for name in differ if name not in rule.members]
    for name in differ:
        said += member_changes(at.path, name, before, after)
    return said


def differs(before: Document, after: Document, name: str) -> bool:
    left, right = before.get(name, _ABSENT), after.get(name, _ABSENT)
    return (left is _ABSENT) != (right is _ABSENT) or (
        left is not _ABSENT and not alike(left, right)
    )


def nested(name: str, rules: Sequence[Rule]) -> Rule:
    """A member that is an object of its own; none is an empty one."""

    def say(before: Document, after: Document, at: At) -> list[str]:
        left, right = before.get(name), after.get(name)
        if not isinstance(left, Mapping | None) or not isinstance(right, Mapping | None):
            return []
        return compared(left or {}, right or {}, rules, at.inside(name))

    return Rule((name,), say)


def worded(
    members: tuple[str, ...], words: Callable[[Document], str | None], sentence: str
) -> Rule:
    """One sentence, if the words for the members differ.

    words: None where there are none. sentence: with {after} and {before}.
    """

    def say(before: Document, after: Document, _: At) -> list[str]:
        left, right = words(before), words(after)
        if left is None or right is None or left == right:
            return []
        return [capital(sentence.format(before=left, after=right))]

    return Rule(members, say)


def chosen(name: str, known: Mapping[str | None, str], sentence: str) -> Rule:
    """A member of a few values; an absent one is None."""

    def words(document: Document) -> str | None:
        sent = document.get(name)
        return known.get(sent) if sent is None or isinstance(sent, str) else None

    return worded((name,), words, sentence)


def switched(name: str, on: str, off: str) -> Rule:
    """A member that is true or not."""

    def say(before: Document, after: Document, _: At) -> list[str]:
        was, is_ = before.get(name) is True, after.get(name) is True
        return [] if was == is_ else [on if is_ else off]

    return Rule((name,), say)


def numbered(name: str, default: str | None, sentence: str) -> Rule:
    """A member that is a number. default: what is said where it is absent; None: nothing."""

    def words(document: Document) -> str | None:
        sent = document.get(name)
        if sent is None:
            return default
        return None if isinstance(sent, bool) or not isinstance(sent, int | float) else f"{sent}"

    return worded((name,), words, sentence)
