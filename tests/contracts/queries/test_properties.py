"""Property filters that no client means are refused, whatever they look like."""

from typing import Any

import pytest

from contracts.queries.errors import InvalidQuery
from contracts.queries.properties import read


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
