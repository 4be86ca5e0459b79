"""Property filters that no client means are refused, whatever they look like."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.properties import PropertyFilter, read


def test_filters_nested_beyond_reason_are_refused_and_no_defect() -> None:
    deep: dict[str, Any] = {"type": "AND", "values": []}
    for _ in range(5_000):
        deep = {"type": "AND", "values": [deep]}
    with pytest.raises(InvalidQuery, match="nested too deeply"):
        read(deep)


def test_groups_are_read_as_deep_as_anybody_nests_them() -> None:
    deep: dict[str, Any] = {"type": "AND", "values": [{"key": "a", "value": 1}]}
    for _ in range(60):
        deep = {"type": "OR", "values": [deep, {"key": "b", "value": 1}]}
    assert len(read(deep).values) == 2


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (None, []),
        ("", []),
        ([None, {}], []),
        ({"key": "a", "value": 1}, [PropertyFilter("a", 1)]),
        ({"age__gt": 5}, [PropertyFilter("age", 5, "gt")]),
        ([{"$browser": "Chrome"}], [PropertyFilter("$browser", "Chrome")]),
        ([{"key": 5, "value": "x"}], [PropertyFilter("5", "x")]),
        ([{"key": "", "value": 1}, {"key": None}], []),
        ([{"type": "empty"}], [PropertyFilter("empty", type="empty")]),
        (
            [{"type": "group", "key": "a", "group_type_index": "1"}],
            [PropertyFilter("a", type="group", group_type_index=1)],
        ),
        (
            [{"type": "group", "key": "a", "group_type_index": ""}],
            [PropertyFilter("a", type="group")],
        ),
        ({"type": "OR", "values": None}, []),
    ],
)
def test_every_shape_that_clients_send_is_read(sent: Any, found: list[PropertyFilter]) -> None:
    assert list(read(sent).values) == found


@pytest.mark.parametrize("sent", [5, "a", ["a"], {"type": "AND", "values": "a"}])
def test_what_is_no_filter_at_all_is_refused(sent: Any) -> None:
    with pytest.raises(InvalidQuery, match="unparsable"):
        read(sent)


@pytest.mark.parametrize("index", [5, -1, True, "x", 1.5])
def test_a_group_type_is_one_of_five(index: object) -> None:
    with pytest.raises(InvalidQuery, match="from 0 to 4"):
        read([{"type": "group", "key": "a", "group_type_index": index}])


def test_a_filter_without_a_value_has_no_values_and_one_of_a_list_has_them_all() -> None:
    assert PropertyFilter("a").values == ()
    assert PropertyFilter("a", 1).values == (1,)
    assert PropertyFilter("a", (1, 2)).values == (1, 2)
