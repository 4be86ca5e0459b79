"""The steps of a funnel, the series of a trend: events and actions, aligned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.differences.alignment import Alignment, align
from contracts.differences.conditions import filters_rule
from contracts.differences.difference import Names
from contracts.differences.rules import At, Document, Rule, compared
from contracts.differences.words import code, either, named, plain, quoted
from contracts.queries.cohorts import cohort_number
from contracts.queries.reading import entity_kind

Json = Any

STEP = "Step"
SERIES = "Series"
_IDENTITY = ("kind", "event", "id", "nodes", "table_name")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_COUNTED: Mapping[str | None, str] = {
    None: "every event",
    "total": "every event",
    "dau": "unique users",
    "weekly_active": "users active within a week",
    "monthly_active": "users active within a month",
    "unique_session": "unique sessions",
    "first_time_for_user": "first times",
    "first_time_for_user_with_filters": "first times with these filters",
    "first_matching_event_for_user": "first matching events",
}
_AGGREGATED = {
    "sum": "the sum", "avg": "the average", "min": "the smallest value", "max": "the largest value",
    "median": "the median", "p75": "the 75th percentile", "p90": "the 90th percentile",
    "p95": "the 95th percentile", "p99": "the 99th percentile",
}  # fmt: skip


def aligned(before: Json, after: Json) -> Alignment | None:
    """By kind, and event or action; None for what is no list of entities."""
    left, right = _entities(before), _entities(after)
    if left is None or right is None:
        return None
    return align([entity_key(each) for each in left], [entity_key(each) for each in right])


def _entities(sent: Json) -> Sequence[Document] | None:
    if sent is None:
        return ()
    if not isinstance(sent, list) or not all(isinstance(each, Mapping) for each in sent):
        return None
    return sent


def entity_key(sent: Document) -> str:
    return msgspec.json.encode(_key(sent)).decode()


def _key(sent: Document) -> Json:
    kind = entity_kind(sent)
    match kind:
        case "EventsNode":
            return (kind, sent.get("event"))
        case "GroupNode":
            nodes = sent.get("nodes")
            nodes = nodes if isinstance(nodes, list) else []
            return (kind, [_key(each) for each in nodes if isinstance(each, Mapping)])
        case _:
            return (kind, sent.get("id"), sent.get("table_name"))


def entity_text(sent: Document, names: Names) -> str:
    """signed up; action "Paid" (5); opened or clicked; any event."""
    match entity_kind(sent):
        case "EventsNode":
            event = sent.get("event")
            return "any event" if event is None else plain(str(event))
        case "ActionsNode":
            number, own = cohort_number(sent.get("id")), sent.get("name")
            if number is None:
                return f"action {plain(str(sent.get('id')))}"
            name = names.actions.get(number) or (own if isinstance(own, str) else None)
            return named("action", number, name)
        case "GroupNode":
            nodes = sent.get("nodes")
            nodes = nodes if isinstance(nodes, list) else []
            parts = [entity_text(each, names) for each in nodes if isinstance(each, Mapping)]
            return either(parts) or "nothing"
        case _:
            return f"table {plain(str(sent.get('table_name') or sent.get('id')))}"


def step_name(noun: str, index: int) -> str:
    """Step 2; Series B, as formulas call it."""
    if noun == SERIES and index < len(_LETTERS):
        return f"{noun} {_LETTERS[index]}"
    return f"{noun} {index + 1}"


def _place(noun: str, index: int) -> str:
    return step_name(noun, index).removeprefix(f"{noun} ")


def steps_rule(
    name: str = "series",
    *,
    align_by: Callable[[Json, Json], Alignment | None] = aligned,
    words: Callable[[Document, Names], str] = entity_text,
    rules: Sequence[Rule] | None = None,
    identity: tuple[str, ...] = _IDENTITY,
) -> Rule:
    """Of a member that is a list of events and actions, or of what is aligned and worded alike."""
    members = NODE_RULES if rules is None else rules

    def say(before: Document, after: Document, at: At) -> list[str]:
        left, right = before.get(name) or [], after.get(name) or []
        found = align_by(left, right)
        if found is None:
            return []
        inside = at.inside(name)
        return _said(left, right, found, inside, members, words, identity)

    return Rule((name,), say)


def _said(
    before: Sequence[Document],
    after: Sequence[Document],
    found: Alignment,
    at: At,
    rules: Sequence[Rule],
    words: Callable[[Document, Names], str],
    identity: tuple[str, ...],
) -> list[str]:
    said = [
        f"{step_name(at.noun, index)} added: {words(after[index], at.names)}."
        for index in found.added
    ]
    said += [
        f"{step_name(at.noun, index)} removed: {words(before[index], at.names)}."
        for index in found.removed
    ]
    said += [
        f"{step_name(at.noun, left)} moved to {_place(at.noun, right)}."
        for left, right in found.moved
    ]
    for left, right in sorted((*found.same, *found.moved, *found.replaced), key=lambda p: p[1]):
        old, new = before[left], after[right]
        here = msgspec.structs.replace(
            at, path=f"{at.path}[{right}]", subject=step_name(at.noun, right)
        )
        if (left, right) in found.replaced:
            said.append(
                f"{here.subject} is now {words(new, at.names)} instead of {words(old, at.names)}."
            )
            old, new = _without(old, identity), _without(new, identity)
        said += compared(old, new, rules, here)
    return said


def _without(node: Document, names: tuple[str, ...]) -> Document:
    """Without what makes it another one; a name is that of the event or action."""
    return {name: each for name, each in node.items() if name not in names and name != "name"}


# What is said of one step


def _optional(before: Document, after: Document, at: At) -> list[str]:
    was, is_ = (each.get("optionalInFunnel") is True for each in (before, after))
    if was == is_:
        return []
    return [f"{at.subject} is {'now' if is_ else 'no longer'} optional."]


def _called(before: Document, after: Document, at: At) -> list[str]:
    old, new = before.get("custom_name"), after.get("custom_name")
    if isinstance(new, str) and new:
        return [f"{at.subject} is now called {quoted(new)}."]
    if isinstance(old, str) and old:
        return [f"{at.subject} is no longer called {quoted(old)}."]
    return []


def _counts(before: Document, after: Document, at: At) -> list[str]:
    old, new = counted_text(before), counted_text(after)
    if old == new:
        return []
    return [f"{at.subject} counts {new} instead of {old}."]


def counted_text(node: Document) -> str:
    """What is counted of a series: unique users, the sum of price."""
    math, expression = node.get("math"), node.get("math_hogql")
    if math in ("", None):
        return _COUNTED[None]
    if math == "hogql" and isinstance(expression, str):
        return code(expression)
    if math == "unique_group":
        return f"unique groups ({node.get('math_group_type_index') or 0})"
    prop = node.get("math_property")
    if isinstance(math, str) and math in _COUNTED and prop is None:
        return _COUNTED[math]
    if not isinstance(prop, str):
        return plain(str(math).replace("_", " "))
    owner = node.get("math_property_type")
    of = "the person's " if owner == "person_properties" else ""
    return f"{_AGGREGATED.get(str(math), plain(str(math)))} of {of}{plain(prop)}"


MATH = (
    "math", "math_property", "math_property_type", "math_hogql", "math_group_type_index",
)  # fmt: skip

NODE_RULES = (
    filters_rule(),
    filters_rule("fixedProperties"),
    Rule(("optionalInFunnel",), _optional),
    Rule(("custom_name",), _called),
    Rule(MATH, _counts),
)
