"""How a setting spells where ClickHouse is."""

from pathlib import Path

import pytest

from services.common.clickhouse.address import Shard, embedded_url, shards
from services.common.clickhouse.client import _reading, _writing

ALL = "http://a:1@1a:8123,http://1b:8123;http://2a:8123,http://2b:8123?database=shop&ca_file=/ca"


def test_shards_are_parted_by_semicolons_and_replicas_by_commas() -> None:
    first, second = shards(ALL)
    assert first == Shard(
        number=1,
        replicas=("http://a:1@1a:8123", "http://1b:8123"),
        database="shop",
        ca_file="/ca",
    )
    assert second.number == 2
    assert second.replicas == ("http://2a:8123", "http://2b:8123")
    assert (second.database, second.ca_file) == ("shop", "/ca")


def test_one_node_is_one_shard_without_replicas() -> None:
    (only,) = shards("https://here:8443")
    assert only == Shard(number=1, replicas=("https://here:8443",))
    assert not only.replicated


def test_a_folder_may_have_any_name() -> None:
    (only,) = shards(f"{embedded_url(Path('/a;b,c?d e'))}?durable=0")
    assert only == Shard(folder="/a;b,c?d e", durable=False)


@pytest.mark.parametrize("url", ["mysql://a", "http://a,tcp://b", "http://a?cluster=blue"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="ClickHouse URL"):
        shards(url)


@pytest.mark.parametrize(
    ("count", "quorum", "expected"), [(2, None, 2), (3, None, 2), (5, None, 3), (3, 3, 3)]
)
def test_so_many_replicas_have_a_block_before_it_counts(
    count: int, quorum: int | None, expected: int
) -> None:
    shard = Shard(replicas=tuple(f"http://{n}" for n in range(count)))
    written = _writing(shard, quorum)
    assert written["insert_quorum"] == expected
    assert written["insert_quorum_parallel"] == 0
    assert written["insert_quorum_timeout"] == 20_000
    # Two of two have everything; a majority may lack the replica that is asked.
    assert ("select_sequential_consistency" in _reading(shard)) is (count > 2)


def test_one_node_has_no_quorum() -> None:
    (only,) = shards("http://here:8123")
    assert (_writing(only, None), _reading(only)) == ({}, {})
