"""One real data set in every form that people have it in: the same funnels to the last digit."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests import servers
from tests.cdnow import PURCHASES, purchases
from tests.embedded.recount_process import Served, recount, serving

EVENTS = 69_659
PERSONS = 23_570
FORMS = ("csv", "tsv", "semicolons.csv", "json", "pretty.json", "ndjson", "parquet", "csv.gz")

pytestmark = [
    pytest.mark.skipif(
        not PURCHASES.exists() and "CI" not in os.environ,
        reason="cdnow_purchases.txt is not there; RECOUNT_SHARED says where it is",
    ),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [
        {
            "event": "purchase",
            "customer_id": one.customer,
            "date": one.at.isoformat(),
            "cds": one.cds,
            "value": one.value,
        }
        for theirs in purchases().values()
        for one in theirs
    ]


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Served]:
    with serving(data, "--no-demo") as running:
        yield running


def write(rows: list[dict[str, Any]], form: str, path: Path) -> None:
    match form:
        case "csv" | "tsv" | "semicolons.csv":
            path.write_text(table(rows, {"csv": ",", "tsv": "\t"}.get(form, ";")))
        case "csv.gz":
            path.write_bytes(gzip.compress(table(rows, ",").encode()))
        case "json":
            path.write_text(json.dumps(rows))
        case "pretty.json":
            path.write_text(json.dumps({"next": None, "results": rows}, indent=2))
        case "ndjson":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case _:
            lines = path.with_suffix(".lines")
            write(rows, "ndjson", lines)
            duckdb.sql(
                f"COPY (SELECT * REPLACE (date::TIMESTAMPTZ AS date) FROM read_json('{lines}',"
                " columns={event: 'VARCHAR', customer_id: 'VARCHAR', date: 'VARCHAR',"
                f" cds: 'BIGINT', value: 'DOUBLE'}})) TO '{path}' (FORMAT parquet)"
            )


def table(rows: list[dict[str, Any]], separator: str) -> str:
    lines = [separator.join(rows[0]), *(separator.join(map(str, row.values())) for row in rows)]
    return "\n".join(lines) + "\n"


def funnels(served: Served, project: int, key: str) -> list[Any]:
    """Results of three funnels: plain, by a number above another, by a value's rows."""
    steps = [{"id": "purchase", "order": order} for order in range(3)]
    dear = {"key": "value", "value": 50, "operator": "gt"}
    asked = (
        {"events": steps, "funnel_window_days": 30},
        {"events": [steps[0], {**steps[1], "properties": [dear]}], "funnel_window_days": 365},
        {"events": steps[:2], "breakdown": "cds", "breakdown_type": "event", "breakdown_limit": 5},
    )
    results = []
    for body in asked:
        answer = httpx.post(
            f"{served.url}/api/projects/{project}/insights/funnel/",
            headers={"Authorization": f"Bearer {key}"},
            json={**body, "date_from": "1997-01-01", "date_to": "1998-06-30"},
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        results.append(json.loads(json.dumps(answer.json()["result"]), object_hook=without_links))
    return results


def without_links(member: dict[str, Any]) -> dict[str, Any]:
    """URLs name the project."""
    return {name: value for name, value in member.items() if not name.endswith("people_url")}


def test_every_form_gives_the_same_funnels_to_the_last_digit(
    data: Path, served: Served, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    key = json.loads(recount("keys", "create", "--data-dir", str(data), "--json").stdout)["key"]
    found = {}
    for form in FORMS:
        made = recount("projects", "create", form, "--data-dir", str(data), "--json")
        project = json.loads(made.stdout)["id"]
        path = tmp_path / f"purchases.{form}"
        write(rows, form, path)
        # No other option: who, when and what are known by the names of the columns.
        imported = recount(
            "import", str(path), "--data-dir", str(data), "--project", str(project), "--json"
        )
        assert imported.returncode == 0, imported.stderr
        summary = json.loads(imported.stdout)
        assert (summary["events"], summary["persons"]) == (EVENTS, PERSONS), form
        found[form] = funnels(served, project, key)
    assert found["csv"][0][0]["count"] == PERSONS
    assert {form: results == found["csv"] for form, results in found.items()} == dict.fromkeys(
        FORMS, True
    )


def test_the_data_set_itself_is_read_with_one_option(
    data: Path, served: Served, tmp_path: Path
) -> None:
    made = recount("projects", "create", "as it is", "--data-dir", str(data), "--json")
    project = str(json.loads(made.stdout)["id"])
    imported = recount(
        *("import", str(PURCHASES), "--event", "purchase"),
        *("--data-dir", str(data), "--project", project, "--json"),
    )
    summary = json.loads(imported.stdout)
    assert (summary["events"], summary["persons"]) == (EVENTS, PERSONS)
    assert (summary["first"][:10], summary["last"][:10]) == ("1997-01-01", "1998-06-30")
