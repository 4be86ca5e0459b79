"""Kinds that are stored and not computed here: retention, paths, SQL."""

from collections.abc import Mapping
from typing import Any

from contracts.differences.alignment import align
from contracts.differences.difference import Names
from contracts.differences.rules import At, Document, Rule, chosen, nested, numbered, worded
from contracts.differences.steps import entity_text
from contracts.differences.words import all_of, is_text, plain, texts

Json = Any

_RETAINED: Mapping[str | None, str] = {
    None: "the first time in a period",
    "retention_recurring": "the first time in a period",
    "retention_first_time": "the first time ever",
    "retention_first_ever_occurrence": "the first time ever",
}
_PATH_EVENTS = {
    "$pageview": "page views", "$screen": "screens", "custom_event": "custom events",
    "hogql": "an expression",
}  # fmt: skip


def _entity(name: str, sentence: str) -> Rule:
    def say(before: Document, after: Document, at: At) -> list[str]:
        old, new = (_entity_text(each.get(name), at.names) for each in (before, after))
        if old is None or new is None or old == new:
            return []
        return [sentence.format(before=old, after=new)]

    return Rule((name,), say)


def _entity_text(sent: Json, names: Names) -> str | None:
    """Retention's entities have `type: actions` and an id, the event's name for events."""
    if sent is None:
        return "a page view"
    if not isinstance(sent, Mapping):
        return None
    if sent.get("type") == "actions":
        return entity_text({**sent, "kind": "ActionsNode"}, names)
    return entity_text({"kind": "EventsNode", "event": sent.get("id")}, names)


RETENTION = nested(
    "retentionFilter",
    (
        _entity("targetEntity", "Cohorts start with {after} instead of {before}."),
        _entity("returningEntity", "Coming back means {after} instead of {before}."),
        numbered("totalIntervals", "11", "{after} periods instead of {before}."),
        chosen(
            "period",
            {None: "day", **{each: each.lower() for each in ("Hour", "Day", "Week", "Month")}},
            "By {after} instead of {before}.",
        ),
        chosen("retentionType", _RETAINED, "Cohorts count {after} (before: {before})."),
    ),
)


def _point(name: str, sentence: str) -> Rule:
    def words(paths: Document) -> str | None:
        sent = paths.get(name)
        if sent in (None, ""):
            return "anywhere"
        return plain(sent) if isinstance(sent, str) else None

    return worded((name,), words, sentence)


def _included(paths: Document) -> str | None:
    sent = paths.get("includeEventTypes")
    if not sent:
        return "all events"
    if not isinstance(sent, list) or not is_text(*sent):
        return None
    return all_of([_PATH_EVENTS.get(each, plain(each)) for each in sent])


def _excluded(before: Document, after: Document, _: At) -> list[str]:
    old, new = before.get("excludeEvents") or [], after.get("excludeEvents") or []
    if not all(isinstance(each, list) and is_text(*each) for each in (old, new)):
        return []
    found = align(texts(old), texts(new))
    come = sorted((*found.added, *(right for _, right in found.replaced)))
    gone = sorted((*found.removed, *(left for left, _ in found.replaced)))
    said = [f"Paths now also exclude {plain(new[each])}." for each in come]
    return said + [f"Paths no longer exclude {plain(old[each])}." for each in gone]


PATHS = nested(
    "pathsFilter",
    (
        _point("startPoint", "Paths start at {after} instead of {before}."),
        _point("endPoint", "Paths end at {after} instead of {before}."),
        worded(("includeEventTypes",), _included, "Paths are made of {after} instead of {before}."),
        Rule(("excludeEvents",), _excluded),
        numbered("stepLimit", "5", "Paths have at most {after} steps instead of {before}."),
        numbered("edgeLimit", "50", "At most {after} paths are shown instead of {before}."),
    ),
)


def _sql(before: Document, after: Document, _: At) -> list[str]:
    return ["SQL changed."] if is_text(before.get("query"), after.get("query")) else []


SQL = Rule(("query",), _sql)
