"""Laws of differences, over rows and documents that hypothesis makes up."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from contracts.differences import documents
from contracts.differences.alignment import align
from contracts.differences.difference import Difference
from contracts.differences.rows import difference
from contracts.queries.of_insights import insight_key
from contracts.read_models.insight import InsightRow, TileRow
from tests.contracts.differences.sides import NAMES, action, dashboard, insight, raw

# Documents: near to each other, so that most pairs have something in common.

scalars = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "a"])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "kind", "key", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)
events = st.sampled_from(["a", "b", "c", None])
filters = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["k", "l"]), "value": st.sampled_from(["x", "y", ["x", "y"]])},
        optional={
            "type": st.sampled_from(["event", "person", "cohort", "hogql"]),
            "operator": st.sampled_from(["exact", "is_not", "gt", "is_set"]),
        },
    ),
    max_size=2,
)


def maybe(**members: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Each of these, or, now and then, anything at all."""
    return {name: each | each | each | scalars for name, each in members.items()}


nodes = st.fixed_dictionaries(
    {"kind": st.just("EventsNode"), "event": events},
    optional=maybe(
        properties=filters,
        optionalInFunnel=st.booleans(),
        math=st.sampled_from(["dau", "total", "sum"]),
        math_property=st.sampled_from(["p", "q"]),
        name=st.just("n"),
        custom_name=st.sampled_from(["A", "B"]),
    ),
) | st.fixed_dictionaries({"kind": st.just("ActionsNode"), "id": st.sampled_from([5, "5", 6])})
exclusions = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.just("EventsNode"),
            "event": st.sampled_from(["x", "y"]),
            "funnelFromStep": st.integers(0, 2),
            "funnelToStep": st.integers(0, 3),
        },
        optional={"properties": filters},
    ),
    max_size=2,
)
shared = maybe(
    series=st.lists(nodes, max_size=4),
    interval=st.sampled_from(["day", "week"]),
    dateRange=st.fixed_dictionaries(
        {}, optional={"date_from": st.sampled_from(["-7d", "-30d", "all", None, "x"]),
                      "date_to": st.sampled_from(["2026-01-01", None])},
    ),
    properties=filters,
    samplingFactor=st.sampled_from([0.1, 1]),
    breakdownFilter=st.fixed_dictionaries(
        {}, optional={"breakdown": st.sampled_from(["b", ["b"], 3]),
                      "breakdown_type": st.sampled_from(["event", "cohort"])},
    ),
    compareFilter=st.fixed_dictionaries({}, optional={"compare": st.booleans()}),
)  # fmt: skip
funnels = st.fixed_dictionaries(
    {"kind": st.just("FunnelsQuery")},
    optional={
        **shared,
        "funnelsFilter": st.fixed_dictionaries(
            {},
            optional=maybe(
                exclusions=exclusions,
                funnelWindowInterval=st.integers(0, 2),
                funnelOrderType=st.sampled_from(["strict", "ordered"]),
                x=anything,
            ),
        ),
    },
)
trends = st.fixed_dictionaries(
    {"kind": st.just("TrendsQuery")},
    optional={
        **shared,
        "trendsFilter": st.fixed_dictionaries(
            {},
            optional=maybe(
                formula=st.sampled_from(["A", ""]),
                formulas=st.lists(st.sampled_from(["A", "B"]), max_size=2),
                display=st.sampled_from(["ActionsPie", "WorldMap"]),
            ),
        ),
    },
)
sources = funnels | trends | st.fixed_dictionaries({"kind": st.just("PathsQuery"), "x": anything})
queries = st.none() | sources | sources.map(lambda each: {"kind": "InsightVizNode", "source": each})
legacy = st.fixed_dictionaries(
    {},
    optional={
        "insight": st.sampled_from(["FUNNELS", "TRENDS", "PATHS", "x"]),
        "events": st.lists(
            st.fixed_dictionaries({"id": events}, optional={"order": st.integers(0, 2)}), max_size=3
        ),
        "funnel_window_days": st.integers(1, 2),
        "funnel_window_interval": st.integers(1, 2),
        "breakdown": st.sampled_from(["b", 3]),
        "properties": filters | st.just(5),
        "x": anything,
    },
)
tiles = st.lists(
    st.builds(
        TileRow,
        id=st.integers(1, 3),
        dashboard_id=st.integers(12, 14),
        deleted=st.booleans(),
        dashboard_name=st.sampled_from([None, "Old"]),
    ),
    max_size=2,
    unique_by=lambda tile: tile.dashboard_id,
).map(tuple)
names = st.sampled_from([None, "", "a", "b"])
insights = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "derived_name": names,
        "description": names,
        "order": st.sampled_from([None, 0, 1]),
        "favorited": st.booleans(),
        "saved": st.booleans(),
        "deleted": st.booleans(),
        "tags": st.sampled_from([(), ("a",), ("a", "b"), ("b",)]),
        "tiles": tiles,
        "query": queries.map(raw),
        "filters": legacy.map(raw),
    },
).map(lambda fields: insight(**fields))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[InsightRow, InsightRow]:
    """Two rows; half of them ask nearly the same."""
    before, after = draw(insights), draw(insights)
    old, new = msgspec.json.decode(before.query), msgspec.json.decode(after.query)
    if draw(st.booleans()) or not old or not new or "source" in old or "source" in new:
        return before, after
    moved = draw(st.lists(st.sampled_from(sorted(new)), max_size=2))
    near = {**old, **{name: new[name] for name in moved}}
    return before, msgspec.structs.replace(after, query=raw(near))


FIELDS = ("name", "derived_name", "description", "order", "favorited", "saved", "deleted", "tags")


def shape(found: Difference) -> list[tuple[str, bytes, bytes, int]]:
    return [
        (each.field, bytes(each.before), bytes(each.after), len(each.sentences))
        for each in found.changes
    ]


@given(pairs())
def test_a_change_has_a_sentence_and_a_field_a_change_exactly_when_it_differs(
    rows: tuple[InsightRow, InsightRow],
) -> None:
    before, after = rows
    found = difference(before, after, NAMES)
    expected = {name for name in FIELDS if getattr(before, name) != getattr(after, name)}
    documents_differ = {
        name
        for name in ("query", "filters")
        if not documents.same(getattr(before, name), getattr(after, name))
    }
    if {tile.dashboard_id for tile in before.tiles if not tile.deleted} != {
        tile.dashboard_id for tile in after.tiles if not tile.deleted
    }:
        expected.add("dashboards")
    changed = {each.field for each in found.changes}
    if any(sentence.endswith("it means the same.") for sentence in found.sentences):
        documents_differ.discard("filters")
    assert changed == expected | documents_differ
    assert len(changed) == len(found.changes)
    assert all(each.sentences for each in found.changes)
    assert all(
        sentence.endswith(".") and sentence[0] in "`" + sentence[0].upper()
        for sentence in found.sentences
    )


@given(pairs())
def test_the_other_way_round_is_the_reverse(rows: tuple[InsightRow, InsightRow]) -> None:
    before, after = rows
    there, back = difference(before, after, NAMES), difference(after, before, NAMES)
    assert shape(there) == [(f, old, new, n) for f, new, old, n in shape(back)]
    assert there.results_can_change == back.results_can_change


@given(insights)
def test_nothing_differs_from_itself_however_it_is_written(row: Any) -> None:
    def ordered(document: Raw) -> bytes:
        return msgspec.json.encode(msgspec.json.decode(document), order="deterministic")

    def rewritten(document: Raw) -> Raw:
        """Other key order, other spacing."""
        return Raw(msgspec.json.format(ordered(document), indent=1))

    def spelled(document: Raw) -> Raw:
        """Other spelling of numbers, too."""
        return Raw(ordered(document).replace(b":1,", b":1.0,"))

    other = msgspec.structs.replace(
        row, query=rewritten(row.query), filters=rewritten(row.filters), version=9
    )
    assert difference(row, other, NAMES) == difference(row, row, NAMES)
    assert not difference(row, other).sentences
    assert not difference(row, other).results_can_change

    # A value that is compared as a text may find something else: a maybe.
    other = msgspec.structs.replace(
        row, query=spelled(row.query), filters=spelled(row.filters), version=9
    )
    assert difference(row, other, NAMES).changes == ()
    assert not difference(row, other).sentences


@given(pairs())
def test_no_change_of_results_means_one_key(rows: tuple[InsightRow, InsightRow]) -> None:
    before, after = rows
    found = difference(before, after)
    keys = insight_key(before), insight_key(after)
    if keys != (None, None):
        assert found.results_can_change == (keys[0] != keys[1])


@given(pairs())
def test_a_patch_turns_before_into_after(rows: tuple[InsightRow, InsightRow]) -> None:
    before, after = rows
    for change in difference(before, after).changes:
        patch = change.patch()
        assert (patch is not None) == (change.field in ("query", "filters"))
        if patch is not None:
            patched = documents.patched(change.before, patch)
            assert msgspec.json.decode(patched) == msgspec.json.decode(change.after)
            assert documents.same(patched, change.after)


@given(anything, anything)
def test_documents_of_any_shape(before: object, after: object) -> None:
    left, right = raw(before), raw(after)
    said = documents.other_changes("x", documents.decoded(left), documents.decoded(right))
    assert bool(said) != documents.same(left, right)
    assert documents.same(documents.patched(left, documents.patch(left, right)), right)


@given(st.lists(anything, max_size=3), st.lists(anything, max_size=3))
def test_steps_and_filters_of_any_shape_have_sentences(before: object, after: object) -> None:
    old, new = action(steps=raw(before)), action(steps=raw(after))
    there = difference(old, new)
    assert bool(there.sentences) != documents.same(old.steps, new.steps)
    assert len(difference(new, old).sentences) == len(there.sentences)
    left, right = (
        dashboard(filters=raw({"properties": each, "breakdown_filter": each}))
        for each in (before, after)
    )
    assert bool(difference(left, right).sentences) != documents.same(left.filters, right.filters)


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_an_alignment_takes_every_element_once_and_turns_round(before: str, after: str) -> None:
    found = align(list(before), list(after))
    pairs = (*found.same, *found.moved, *found.replaced)
    assert sorted((*(left for left, _ in pairs), *found.removed)) == list(range(len(before)))
    assert sorted((*(right for _, right in pairs), *found.added)) == list(range(len(after)))
    assert all(before[left] == after[right] for left, right in (*found.same, *found.moved))
    assert list(found.same) == sorted(found.same, key=lambda pair: pair[1])
    back = align(list(after), list(before))
    assert {(right, left) for left, right in back.same} == set(found.same)
    assert (back.added, back.removed) == (found.removed, found.added)


def test_one_inserted_element_is_one_change() -> None:
    for at in range(4):
        after = ["a", "b", "a"]
        after.insert(at, "x")
        found = align(["a", "b", "a"], after)
        assert (found.added, found.removed, found.moved, found.replaced) == ((at,), (), (), ())
