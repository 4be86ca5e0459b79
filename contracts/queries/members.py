"""Whether every member of a query has a meaning: a misspelled one would ask for another funnel.

Asked where a query comes in. What is stored is read as it stands: it was taken under the rules of
its day.
"""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, get_args

from msgspec.structs import fields

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import COMPUTED, entity_kind
from contracts.queries.known import (
    FILTER,
    FILTER_PASSED_OVER,
    GROUP,
    MEANT,
    NOT_TOLD,
    OVERRIDES,
    OVERRIDES_PASSED_OVER,
    PASSED_OVER,
)
from contracts.queries.nodes import BreakdownFilter, FunnelsQuery, Node

Json = Any
_FILTERS = frozenset({"properties", "fixedProperties", "funnelCorrelationPropertyValues"})
_NEAR = 0.5
_MOST_SHOWN = 100

Path = tuple[str, ...]


def check_members(source: Mapping[str, Json], attr: str | None = "query") -> list[str]:
    """What is known and passed over in the innermost query, as places (`series[0].math_hogql`).

    Members that are null, false or empty say nothing, and are not among them. Raises InvalidQuery
    for a member that no version of PostHog knows, naming it and the nearest that there is.
    """
    expected = COMPUTED.get(str(source.get("kind")))
    if expected is None:
        return []
    try:
        found = list(_of_node(source, expected, (attr,) if attr else ()))
    except RecursionError as cause:
        raise invalid_input(attr, "A query is nested too deeply.") from cause
    return [_shown(path, attr) for path in found]


def check_overrides(sent: Json, attr: str = "filters_override") -> list[str]:
    """The same for filters that are laid over a query."""
    if not isinstance(sent, Mapping):
        return []
    found = list(_named(sent, OVERRIDES, OVERRIDES_PASSED_OVER, (attr,)))
    found += _of_value(sent.get("breakdown_filter"), (BreakdownFilter,), (attr, "breakdown_filter"))
    try:
        found += _of_filters(sent.get("properties"), (attr, "properties"))
    except RecursionError as cause:
        raise invalid_input(attr, "Filters are nested too deeply.") from cause
    return [_shown(path, None) for path in found]


def _of_node(sent: Mapping[str, Json], expected: type[Node], at: Path) -> Iterator[Path]:
    members = _members(expected)
    yield from _named(sent, frozenset(members), PASSED_OVER[expected] - frozenset(members), at)
    for name, value in sent.items():
        if name in _FILTERS and name in members:
            yield from _of_filters(value, (*at, name))
        elif name in members:
            yield from _of_value(value, members[name], (*at, name))


def _of_value(value: Json, expected: tuple[type[Node], ...], at: Path) -> Iterator[Path]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _of_value(item, expected, (*at, str(place)))
    elif isinstance(value, Mapping):
        node = _one_of(value, expected)
        if node is not None:
            yield from _of_node(value, node, at)


def _one_of(value: Mapping[str, Json], expected: tuple[type[Node], ...]) -> type[Node] | None:
    """None for what nothing is computed of; it has its own refusal."""
    if len(expected) == 1:
        return expected[0]
    kind = entity_kind(value)
    return next(
        (node for node in expected if node in PASSED_OVER and node.__struct_config__.tag == kind),
        None,
    )


def _of_filters(sent: Json, at: Path) -> Iterator[Path]:
    """at: of a list of filters, a group, or one filter."""
    if isinstance(sent, list):
        for place, item in enumerate(sent):
            yield from _of_filters(item, (*at, str(place)))
    elif isinstance(sent, Mapping):
        if "key" not in sent and str(sent.get("type", "")).upper() in ("AND", "OR"):
            yield from _named(sent, GROUP, frozenset(), at)
            yield from _of_filters(sent.get("values"), (*at, "values"))
        elif not sent.keys().isdisjoint(("key", "type", "operator", "value")):
            yield from _named(sent, FILTER, FILTER_PASSED_OVER, at)
        # Else each member is the name of a property, as the oldest clients write them.


def _named(
    sent: Mapping[str, Json], read: frozenset[str], passed_over: frozenset[str], at: Path
) -> Iterator[Path]:
    """Those passed over. Raises InvalidQuery for a member that is neither, unless it is null."""
    for name, value in sent.items():
        if name in read or value is None:
            continue
        if name not in passed_over:
            raise _misspelled(name, read, passed_over, at)
        if value not in (False, "", [], {}) and name not in NOT_TOLD:
            yield (*at, name)


def _misspelled(
    name: str, read: frozenset[str], passed_over: frozenset[str], at: Path
) -> InvalidQuery:
    shown = name[:_MOST_SHOWN]
    nearest = _nearest(name, read, read | passed_over - NOT_TOLD)
    hint = f"Did you mean {nearest}?" if nearest else f"There are: {', '.join(sorted(read))}."
    return invalid_input("__".join((*at, shown)), f"There is no member {shown} here. {hint}")


def _nearest(name: str, read: frozenset[str], known: frozenset[str]) -> str | None:
    """The member that is spelled most alike, here or else elsewhere in a funnel: then its path.

    `funnel_order_type` and `funnelOrderType` are spelled alike altogether.
    """
    meant = MEANT.get(name)
    if meant in read:
        return meant
    here = _closest(name, {each: each for each in known})
    elsewhere = _closest(name, _elsewhere())
    if here is not None and (elsewhere is None or here[0] >= elsewhere[0]):
        return here[1]
    return None if elsewhere is None else elsewhere[1]


def _closest(name: str, known: Mapping[str, str]) -> tuple[float, str] | None:
    """known: what is shown of a member, by its name."""
    plain = _plain(name)
    ranked = [
        (SequenceMatcher(None, plain, _plain(each)).ratio(), shown) for each, shown in known.items()
    ]
    best = max(ranked, key=lambda one: (one[0], one[1]))
    return best if best[0] >= _NEAR else None


def _plain(name: str) -> str:
    return name[:_MOST_SHOWN].replace("_", "").lower()


@lru_cache
def _elsewhere() -> Mapping[str, str]:
    """The path of each member of a funnel that stands in one of its objects, by its name."""
    return {
        inner: f"{name}.{inner}"
        for name, nodes in _members(FunnelsQuery).items()
        if len(nodes) == 1
        for inner in _members(nodes[0])
    }


@lru_cache
def _members(node: type[Node]) -> Mapping[str, tuple[type[Node], ...]]:
    """The kinds of node that each member of this one holds."""
    return {each.name: tuple(_nodes_in(each.type)) for each in fields(node)}


def _nodes_in(annotation: Any) -> Iterator[type[Node]]:
    if isinstance(annotation, type) and issubclass(annotation, Node):
        yield annotation
    for inner in get_args(annotation):
        yield from _nodes_in(inner)


def _shown(path: Path, attr: str | None) -> str:
    """`series[0].math_hogql`. attr: what the path begins with, and goes without saying."""
    said = path[1:] if attr else path
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in said).lstrip(".")
