"""The difference between two rows of an action."""

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.differences.alignment import Alignment, align
from contracts.differences.conditions import filters_rule
from contracts.differences.difference import CREATED, NO_NAMES, Difference, Names
from contracts.differences.documents import decoded, other_changes, same
from contracts.differences.fields import all_changed, changed, deleted, described, renamed
from contracts.differences.rules import At, Document, Rule, compared
from contracts.differences.steps import steps_rule
from contracts.differences.words import plain
from contracts.read_models.action import ActionRow

Json = Any
_MATCHINGS = {"contains": "contains", "exact": "=", "regex": "matches"}


def action_difference(
    before: ActionRow | None, after: ActionRow, names: Names = NO_NAMES
) -> Difference:
    """names: of cohorts. before: None for the version that created it."""
    if before is None:
        return CREATED
    return Difference(
        changes=all_changed(
            renamed(before.name, after.name),
            described(before.description, after.description),
            changed("steps", before.steps, after.steps, _steps(before, after, names)),
            deleted(before.deleted, after.deleted),
        ),
        results_can_change=before.deleted != after.deleted or not same(before.steps, after.steps),
    )


def _steps(before: ActionRow, after: ActionRow, names: Names) -> list[str]:
    """The ways to do it are its matches: Match 1, Match 2."""
    old, new = ({"steps": decoded(row.steps)} for row in (before, after))
    at = At(names=names, noun="Match")
    return compared(old, new, (_MATCHES,), at) or other_changes("steps", old["steps"], new["steps"])


def _aligned(before: Json, after: Json) -> Alignment | None:
    for sent in (before, after):
        if not isinstance(sent, list) or not all(isinstance(each, Mapping) for each in sent):
            return None
    return align([_key(each) for each in before], [_key(each) for each in after])


def _key(step: Document) -> str:
    return msgspec.json.encode(step.get("event")).decode()


def _words(step: Document, _: Names) -> str:
    event = step.get("event")
    return "any event" if event is None else plain(str(event))


def _condition(member: str, shown: str, matching: str | None, default: str) -> Rule:
    """Of a member with the way to match it in another one."""

    def text(step: Document) -> tuple[str, str] | None:
        sent, way = step.get(member), (step.get(matching) if matching else None) or default
        if not isinstance(sent, str) or not sent:
            return None
        return _MATCHINGS.get(str(way), plain(str(way))), plain(sent)

    def say(before: Document, after: Document, at: At) -> list[str]:
        old, new = text(before), text(after)
        if old == new:
            return []
        if old is None:
            return [f"{at.subject} now also requires {shown} {_joined(new)}."]
        if new is None:
            return [f"{at.subject} no longer requires {shown} {_joined(old)}."]
        was = old[1] if old[0] == new[0] else _joined(old)
        return [f"{at.subject} requires {shown} {_joined(new)} instead of {was}."]

    return Rule((member, matching) if matching else (member,), say)


def _joined(sign_and_value: tuple[str, str] | None) -> str:
    return " ".join(sign_and_value or ())


_MATCHES = steps_rule(
    "steps",
    align_by=_aligned,
    words=_words,
    rules=(
        _condition("url", "URL", "url_matching", "contains"),
        _condition("selector", "selector", None, "exact"),
        _condition("tag_name", "tag", None, "exact"),
        _condition("href", "link", "href_matching", "exact"),
        _condition("text", "text", "text_matching", "exact"),
        filters_rule(),
    ),
    identity=("event",),
)
