"""No number is made of a part of the data: nothing of ours lets ClickHouse leave a shard out."""

from tests.embedded.recount_process import ROOT

SETTING = "skip_unavailable" + "_shards"


def test_no_statement_may_leave_a_shard_out() -> None:
    looked_at = [
        file
        for folder in ("contracts", "domain", "services", "tests")
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix in {".py", ".sql", ".sh", ".yaml", ".json", ".xml"}
    ]
    looked_at.append(ROOT / "compose.yaml")
    found = [str(file) for file in looked_at if SETTING in file.read_text(errors="replace")]
    assert found == []
