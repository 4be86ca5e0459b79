"""The tables as they are told to an engine: read the files beside this one."""

from pathlib import Path

import pytest

from services.common.clickhouse.schema import table_statements

HERE = Path(__file__).parent


@pytest.mark.parametrize(("rendering", "cluster"), [("plain", None), ("replicated", "blue")])
def test_the_tables_are_made_by_these_statements(rendering: str, cluster: str | None) -> None:
    told = ";\n\n".join(table_statements(cluster).values()) + ";\n"
    assert told == (HERE / f"tables.{rendering}.sql").read_text()
