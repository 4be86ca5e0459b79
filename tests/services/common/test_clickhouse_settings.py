"""ClickHouse's settings beside its URL: they count for every replica."""

from pathlib import Path

import pytest

from services.common.clickhouse.address import shards
from services.common.settings import InvalidSettings, from_environment, joined_clickhouse
from services.query.settings import QuerySettings

ALL = "http://1a:8123,http://1b:8123;http://2a:8123"


def test_a_user_and_a_database_are_for_all_replicas() -> None:
    joined = joined_clickhouse(ALL, "recount", "p@ss;w,rd", "", "shop")
    first, second = shards(joined)
    assert first.replicas == tuple(
        f"http://recount:p%40ss%3Bw%2Crd@{host}:8123" for host in ("1a", "1b")
    )
    assert second.replicas == ("http://recount:p%40ss%3Bw%2Crd@2a:8123",)
    assert (first.database, second.database) == ("shop", "shop")


def test_without_them_the_url_is_as_it_was() -> None:
    for url in (ALL, "chdb:///a,b;c?durable=0"):
        assert joined_clickhouse(url, "", "", "", "") == url


@pytest.mark.parametrize(
    ("url", "user", "password", "ca_file"),
    [
        ("http://a", "", "secret", ""),
        ("http://me:pw@a", "other", "secret", ""),
        ("https://a", "", "", "/no/such/file"),
    ],
)
def test_what_contradicts_itself_is_refused(
    url: str, user: str, password: str, ca_file: str
) -> None:
    with pytest.raises(InvalidSettings):
        joined_clickhouse(url, user, password, ca_file, "")


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    settings = from_environment(
        QuerySettings,
        "query",
        {
            "RECOUNT_QUERY_DATABASE_URL": "postgresql://here/",
            "RECOUNT_QUERY_CLICKHOUSE_URL": ALL,
            "RECOUNT_QUERY_CLICKHOUSE_USER": "recount",
            "RECOUNT_QUERY_CLICKHOUSE_PASSWORD_FILE": str(file),
        },
    )
    assert settings.clickhouse_url == ALL.replace("//", "//recount:s3cret@")
