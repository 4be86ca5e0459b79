"""Whether every member of a query has a meaning: a misspelled one would ask for another
number.

Runs where a query comes in. A stored query is read without it: it was taken under the rules of
its day.
"""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, get_args

from msgspec.structs import fields

from contracts.queries.errors import InvalidQuery, invalid_input
from contracts.queries.kinds import kind_named
from contracts.queries.known import (
    FILTER,
    FILTER_PASSED_OVER,
    GROUP,
    MEANT,
    NOT_TOLD,
    OVERRIDES,
    OVERRIDES_PASSED_OVER,
    PASSED_OVER,
    passed_over,
)
from contracts.queries.nodes import BreakdownFilter, Node
from contracts.queries.reading import entity_kind

Json = Any
_FILTERS = frozenset({"properties", "fixedProperties", "funnelCorrelationPropertyValues"})
_NEAR = 0.5
_MOST_SHOWN = 100

Path = tuple[str, ...]


def check_members(source: Mapping[str, Json], attr: str | None = "query") -> list[str]:
    """Paths of the known members without effect in the innermost query (`series[0].math_hogql`).

    Members that are null, false or empty say nothing, and are not among them. Raises InvalidQuery
    for a member that no version of PostHog knows, naming it and the nearest that there is.
    """
    kind = kind_named(source.get("kind"))
    if kind is None or kind.node is None:
        return []
    try:
        found = list(_Members(kind.node).of_node(source, kind.node, (attr,) if attr else ()))
    except RecursionError as cause:
        raise invalid_input(attr, "A query is nested too deeply.") from cause
    return [_shown(path, attr) for path in found]


def check_overrides(sent: Json, attr: str = "filters_override") -> list[str]:
    """The same for filters that are laid over a query."""
    if not isinstance(sent, Mapping):
        return []
    members = _Members(BreakdownFilter)
    found = list(members.named(sent, OVERRIDES, OVERRIDES_PASSED_OVER, (attr,)))
    found += members.of_value(
        sent.get("breakdown_filter"), (BreakdownFilter,), (attr, "breakdown_filter")
    )
    try:
        found += members.of_filters(sent.get("properties"), (attr, "properties"))
    except RecursionError as cause:
        raise invalid_input(attr, "Filters are nested too deeply.") from cause
    return [_shown(path, None) for path in found]


class _Members:
    """The members of one query. root: its kind, whose objects a misplaced member may belong to."""

    def __init__(self, root: type[Node]) -> None:
        self._root = root

    def of_node(self, sent: Mapping[str, Json], expected: type[Node], at: Path) -> Iterator[Path]:
        members = _members(expected)
        yield from self.named(
            sent, frozenset(members), passed_over(expected) - frozenset(members), at
        )
        for name, value in sent.items():
            if name in _FILTERS and name in members:
                yield from self.of_filters(value, (*at, name))
            elif name in members:
                yield from self.of_value(value, members[name], (*at, name))

    def of_value(self, value: Json, expected: tuple[type[Node], ...], at: Path) -> Iterator[Path]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.of_value(item, expected, (*at, str(index)))
        elif isinstance(value, Mapping):
            node = _one_of(value, expected)
            if node is not None:
                yield from self.of_node(value, node, at)

    def of_filters(self, sent: Json, at: Path) -> Iterator[Path]:
        """at: of a list of filters, a group, or one filter."""
        if isinstance(sent, list):
            for index, item in enumerate(sent):
                yield from self.of_filters(item, (*at, str(index)))
        elif isinstance(sent, Mapping):
            if "key" not in sent and str(sent.get("type", "")).upper() in ("AND", "OR"):
                yield from self.named(sent, GROUP, frozenset(), at)
                yield from self.of_filters(sent.get("values"), (*at, "values"))
            elif not sent.keys().isdisjoint(("key", "type", "operator", "value")):
                yield from self.named(sent, FILTER, FILTER_PASSED_OVER, at)
            # Else each member is the name of a property, as the oldest clients write them.

    def named(
        self, sent: Mapping[str, Json], read: frozenset[str], ignored: frozenset[str], at: Path
    ) -> Iterator[Path]:
        """Paths of the ignored members. Raises InvalidQuery for a member that is neither read nor
        ignored, unless it is null.
        """
        for name, value in sent.items():
            if name in read or value is None:
                continue
            if name not in ignored:
                raise self._misspelled(name, read, ignored, at)
            if value not in (False, "", [], {}) and name not in NOT_TOLD:
                yield (*at, name)

    def _misspelled(
        self, name: str, read: frozenset[str], ignored: frozenset[str], at: Path
    ) -> InvalidQuery:
        shown = name[:_MOST_SHOWN]
        nearest = self._nearest(name, read, read | ignored - NOT_TOLD)
        hint = f"Did you mean {nearest}?" if nearest else f"There are: {', '.join(sorted(read))}."
        return invalid_input("__".join((*at, shown)), f"There is no member {shown} here. {hint}")

    def _nearest(self, name: str, read: frozenset[str], known: frozenset[str]) -> str | None:
        """The member that is spelled most alike, here or else elsewhere in the query: its path.

        `funnel_order_type` and `funnelOrderType` are spelled alike altogether.
        """
        meant = MEANT.get(name)
        if meant in read:
            return meant
        here = _closest(name, {each: each for each in known})
        elsewhere = _closest(name, _elsewhere(self._root))
        if here is not None and (elsewhere is None or here[0] >= elsewhere[0]):
            return here[1]
        return None if elsewhere is None else elsewhere[1]


def _one_of(value: Mapping[str, Json], expected: tuple[type[Node], ...]) -> type[Node] | None:
    """None for what nothing is computed of; it has its own refusal."""
    if len(expected) == 1:
        return expected[0]
    kind = entity_kind(value)
    return next(
        (node for node in expected if node in PASSED_OVER and node.__struct_config__.tag == kind),
        None,
    )


def _closest(name: str, known: Mapping[str, str]) -> tuple[float, str] | None:
    """known: what is shown of a member, by its name."""
    plain = _plain(name)
    ranked = [
        (SequenceMatcher(None, plain, _plain(each)).ratio(), shown) for each, shown in known.items()
    ]
    best = max(ranked, key=lambda one: (one[0], one[1]), default=(0.0, ""))
    return best if best[0] >= _NEAR else None


def _plain(name: str) -> str:
    return name[:_MOST_SHOWN].replace("_", "").lower()


@lru_cache
def _elsewhere(root: type[Node]) -> Mapping[str, str]:
    """The path of each member of one of the root's objects, by the member's name.

    Of a node about another query, that query's.
    """
    members = _members(root)
    if members.get("source"):
        return {
            inner: path
            for source in members["source"]
            for inner, path in _elsewhere(source).items()
        }
    return {
        inner: f"{name}.{inner}"
        for name, nodes in members.items()
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
