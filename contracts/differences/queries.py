"""What is said where two queries differ, or two legacy filters; of any kind, in any wrapper."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from contracts.differences.breakdowns import breakdown_rule
from contracts.differences.conditions import filters_rule
from contracts.differences.counts import INTERVAL_COUNT, STICKINESS, TRENDS
from contracts.differences.difference import Names
from contracts.differences.documents import alike, decoded, joined, member_changes, other_changes
from contracts.differences.funnels import OPTIONS
from contracts.differences.others import PATHS, RETENTION, SQL
from contracts.differences.ranges import COMPARISON, DATES, INTERVAL
from contracts.differences.rules import (
    SAID_ELSEWHERE,
    At,
    Document,
    Rule,
    compared,
    differs,
    nested,
    switched,
    worded,
)
from contracts.differences.steps import SERIES, STEP, aligned, steps_rule
from contracts.differences.words import code
from contracts.queries.errors import InvalidQuery
from contracts.queries.nodes import WRAPPERS
from contracts.queries.of_insights import viz_node

Json = Any

TOO_DEEP = "Changed somewhere deep inside."
_CALLED = {
    "TrendsQuery": "trends", "FunnelsQuery": "a funnel", "RetentionQuery": "retention",
    "PathsQuery": "paths", "StickinessQuery": "stickiness", "LifecycleQuery": "lifecycle",
    "HogQLQuery": "SQL", "EventsQuery": "a list of events", "ActorsQuery": "a list of actors",
    "FunnelCorrelationQuery": "a correlation",
}  # fmt: skip
_MOST_TRIED = 50
"""Members of legacy filters that are looked at one by one."""


def query_changes(before: Json, after: Json, names: Names) -> list[str]:
    """A sentence or more exactly when two decoded query nodes differ; None is no query."""
    return _sure("", before, after, lambda: _said(before, after, At(names=names)))


def filters_changes(before: Json, after: Json, names: Names) -> list[str]:
    """The same for legacy filters, compared as the queries that they mean.

    Members that mean nothing there, and filters that can't be read, get the sentence of the rest.
    """
    return _sure("filters", before, after, lambda: _of_filters(before, after, names))


def meant(filters: Json) -> Json:
    """The node that decoded legacy filters mean; None for none. Raises InvalidQuery."""
    node = viz_node(filters)
    return None if node is None else decoded(Raw(msgspec.json.encode(node)))


def _sure(path: str, before: Json, after: Json, say: Callable[[], list[str]]) -> list[str]:
    try:
        if alike(before, after):
            return []
        found = [sentence for sentence in say() if sentence != SAID_ELSEWHERE]
        return found or other_changes(path or "query", before, after)
    except RecursionError:
        return [TOO_DEEP]


# Nodes


def _said(before: Json, after: Json, at: At) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return _from_or_to_none(before, after)
    left, right = _unwrapped(before), _unwrapped(after)
    said = _wrapping(left[0], right[0], at)
    path = at.path
    for _ in right[0]:
        path = joined(path, "source")
    return said + _of_nodes(left[1], right[1], replace(at, path=path))


def _from_or_to_none(before: Json, after: Json) -> list[str]:
    if before is None and isinstance(after, Mapping):
        return [f"Now {_called(_unwrapped(after)[1])}."]
    if after is None and isinstance(before, Mapping):
        return [f"No longer {_called(_unwrapped(before)[1])}."]
    return []


def _called(node: Json) -> str:
    kind = node.get("kind") if isinstance(node, Mapping) else None
    return _CALLED.get(kind, code(kind)) if isinstance(kind, str) else "a query"


def _unwrapped(node: Document) -> tuple[Sequence[Document], Json]:
    """The wrappers, from the outside, and the query inside them."""
    wrappers: list[Document] = []
    inner: Json = node
    while isinstance(inner, Mapping) and inner.get("kind") in tuple(WRAPPERS):
        wrappers.append({name: each for name, each in inner.items() if name != "source"})
        inner = inner.get("source")
    return wrappers, inner


def _wrapping(before: Sequence[Document], after: Sequence[Document], at: At) -> list[str]:
    if len(before) == len(after):
        said = []
        for left, right in zip(before, after, strict=True):
            said += compared(left, right, (_WRAPPED,), at)
            at = at.inside("source")
        return said
    old, new = (
        " in ".join(code(each["kind"]) for each in wrappers) for wrappers in (before, after)
    )
    if not new:
        return [f"No longer wrapped in {old}."]
    return [f"Wrapped in {new} instead of {old}." if old else f"Wrapped in {new}."]


def _of_nodes(before: Json, after: Json, at: At) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return _from_or_to_none(before, after) or other_changes(at.path, before, after)
    kind = after.get("kind")
    found = aligned(before.get("series"), after.get("series"))
    at = replace(
        at,
        noun=STEP if kind == "FunnelsQuery" else SERIES,
        steps={} if found is None else found.steps,
    )
    if before.get("kind") == kind:
        rules = (*_SHARED, *_OWN.get(kind, ())) if isinstance(kind, str) else _SHARED
        return compared(before, after, rules, at)
    # What only one of the kinds has came or went with it.
    old, new = _only_shared(before), _only_shared(after)
    return [f"Now {_called(after)} instead of {_called(before)}.", *compared(old, new, _SHARED, at)]


def _only_shared(node: Document) -> Document:
    return {name: each for name, each in node.items() if name in _SHARED_MEMBERS}


def _source(before: Document, after: Document, at: At) -> list[str]:
    """Of a query about another one."""
    return _said(before.get("source"), after.get("source"), at.inside("source"))


def _sampling(document: Document) -> str | None:
    sent = document.get("samplingFactor")
    if sent is None:
        return "100 %"
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        return None
    return f"{round(sent * 100, 6):g} %"


def _groups(document: Document) -> str | None:
    index = document.get("aggregation_group_type_index")
    if index is None:
        return "persons"
    return f"groups ({index})" if type(index) is int else None


_SHARED = (
    steps_rule(),
    filters_rule(),
    DATES,
    INTERVAL,
    breakdown_rule(),
    COMPARISON,
    switched(
        "filterTestAccounts",
        "Test accounts are now filtered out.",
        "Test accounts are no longer filtered out.",
    ),
    worded(("samplingFactor",), _sampling, "Sampling is {after} instead of {before}."),
    worded(("aggregation_group_type_index",), _groups, "Counts {after} instead of {before}."),
)
_SHARED_MEMBERS = frozenset(name for rule in _SHARED for name in rule.members)
_OWN: Mapping[str, Sequence[Rule]] = {
    "FunnelsQuery": (OPTIONS,),
    "TrendsQuery": (TRENDS,),
    "StickinessQuery": (STICKINESS, INTERVAL_COUNT),
    "RetentionQuery": (RETENTION,),
    "PathsQuery": (PATHS,),
    "HogQLQuery": (SQL, nested("filters", (DATES, filters_rule()))),
    **dict.fromkeys(
        (
            "FunnelCorrelationQuery", "FunnelsActorsQuery", "FunnelCorrelationActorsQuery",
            "InsightActorsQuery", "StickinessActorsQuery", "InsightActorsQueryOptions",
            "ActorsQuery",
        ),
        (Rule(("source",), _source),),
    ),
}  # fmt: skip


def _wrapped(before: Document, after: Document, _: At) -> list[str]:
    return [f"Wrapped in {code(after['kind'])} instead of {code(before['kind'])}."]


_WRAPPED = Rule(("kind",), _wrapped)


# Legacy filters


def _of_filters(before: Json, after: Json, names: Names) -> list[str]:
    try:
        old, new = meant(before), meant(after)
    except InvalidQuery:
        return []
    said = [] if alike(old, new) else _said(old, new, At(names=names))
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return said
    differ = [name for name in {**before, **after} if differs(before, after, name)]
    for name in differ[:_MOST_TRIED]:
        if _means_nothing(name, before, after, new) and _means_nothing(name, after, before, old):
            said += member_changes("filters", name, before, after)
    return said


def _means_nothing(name: str, other: Document, filters: Document, node: Json) -> bool:
    """Whether filters mean the same with this member as it is in the other ones."""
    tried = {each: value for each, value in filters.items() if each != name}
    if name in other:
        tried[name] = other[name]
    try:
        return alike(meant(tried), node)
    except InvalidQuery:
        return False
