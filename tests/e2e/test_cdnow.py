"""Real purchases through `recount import` and over HTTP, side by side with a count by hand."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import servers
from tests.cdnow import (
    PURCHASES,
    Conversion,
    Purchase,
    buyers_by_week,
    customers_by_number_of_months,
    lifecycle_by_month,
    purchases,
    revenue_by_month,
    three_purchases,
)
from tests.embedded.recount_process import RECOUNT, Served, environment, recount, serving
from tests.waiting import until

EVENTS = 69_659
PERSONS = 23_570
PURCHASE = {"kind": "EventsNode", "event": "purchase"}

pytestmark = [
    pytest.mark.skipif(
        not PURCHASES.exists() and "CI" not in os.environ,
        reason="cdnow_purchases.txt is not there; RECOUNT_SHARED says where it is",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def bought() -> dict[str, list[Purchase]]:
    return purchases()


@pytest.fixture(scope="module")
def file(bought: Mapping[str, list[Purchase]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The purchases as NDJSON, without uuids."""
    path = tmp_path_factory.mktemp("cdnow") / "purchases.ndjson"
    with path.open("w") as lines:
        for customer, theirs in bought.items():
            for one in theirs:
                event = {
                    "event": "purchase",
                    "distinct_id": customer,
                    "timestamp": one.at.isoformat(),
                    "properties": {"cds": one.cds, "value": one.value},
                }
                lines.write(json.dumps(event) + "\n")
    return path


@pytest.fixture
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


class Client:
    """Asks for the numbers of project 1 with a key of its own."""

    def __init__(self, served: Served, data: Path) -> None:
        made = recount("keys", "create", "--data-dir", str(data), "--json")
        self._root = f"{served.url}/api/projects/1/"
        self._headers = {"Authorization": f"Bearer {json.loads(made.stdout)['key']}"}

    def steps(self, window_days: int, *values_over: float | None) -> list[dict[str, Any]]:
        """As many steps as values: each a purchase, of more dollars than the value."""
        body = {
            "events": [step(order, over) for order, over in enumerate(values_over)],
            "date_from": "1997-01-01",
            "date_to": "1998-06-30",
            "funnel_window_interval": window_days,
            "funnel_window_interval_unit": "day",
            "refresh": True,
        }
        result: list[dict[str, Any]] = self._ask("insights/funnel/", body)["result"]
        return result

    def rows(self, kind: str, **members: Any) -> list[dict[str, Any]]:
        """Of a query over all purchases, by month unless it says otherwise."""
        dates = {"date_from": "1997-01-01", "date_to": "1998-06-30"}
        node = {"kind": kind, "series": [PURCHASE], "interval": "month", "dateRange": dates}
        rows: list[dict[str, Any]] = self._ask("query/", {"query": node | members})["results"]
        return rows

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(self._root + path, headers=self._headers, json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def conversion(self, window_days: int, second_over: float | None) -> Conversion:
        steps = self.steps(window_days, None, second_over, None)
        counts = tuple(step["count"] for step in steps)
        medians = tuple(step["median_conversion_time"] for step in steps)
        return Conversion(counts, medians)


def step(order: int, value_over: float | None) -> dict[str, Any]:
    event: dict[str, Any] = {"id": "purchase", "order": order}
    if value_over is not None:
        event["properties"] = [{"key": "value", "value": value_over, "operator": "gt"}]
    return event


def stored(data: Path) -> list[int]:
    """[events, distinct uuids, persons] of project 1; its server has stopped."""
    program = Path(__file__).parents[1] / "embedded" / "stored_events.py"
    run = subprocess.run(
        [RECOUNT[0], str(program), str(data)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    counts: list[int] = json.loads(run.stdout)["1"]
    return counts


def test_numbers_over_real_purchases_are_what_a_count_by_hand_gives(
    data: Path, file: Path, bought: dict[str, list[Purchase]]
) -> None:
    with serving(data, "--no-demo") as served:
        client = Client(served, data)
        for _ in range(2):
            imported = recount("import", str(file), "--project", "1", "--data-dir", str(data))
            assert imported.returncode == 0, imported.stderr
            for window_days in (30, 365):
                for over in (None, 50.0):
                    expected = three_purchases(bought, window_days=window_days, second_over=over)
                    assert client.conversion(window_days, over) == expected
        counted_by_period(client, bought)
        served.end(signal.SIGTERM)
    assert stored(data) == [EVENTS, EVENTS, PERSONS]


def counted_by_period(client: Client, bought: dict[str, list[Purchase]]) -> None:
    """Money and customers over time, and how they come and go."""
    worth = {**PURCHASE, "math": "sum", "math_property": "value"}
    (revenue,) = client.rows("TrendsQuery", series=[worth])
    assert revenue["data"] == pytest.approx(revenue_by_month(bought), abs=0.005)
    assert revenue["labels"][:2] == ["Jan 1997", "Feb 1997"]
    distinct = {**PURCHASE, "math": "dau"}
    (buyers,) = client.rows("TrendsQuery", series=[distinct], interval="week")
    assert buyers["data"] == buyers_by_week(bought)
    assert buyers["days"][0] == "1996-12-29"
    (sticky,) = client.rows("StickinessQuery")
    assert sticky["data"] == customers_by_number_of_months(bought)
    assert sticky["count"] == PERSONS
    lifecycle = client.rows("LifecycleQuery")
    assert {row["status"]: row["data"] for row in lifecycle} == lifecycle_by_month(bought)


def test_a_kill_in_the_middle_of_the_import_changes_nothing(
    data: Path, file: Path, bought: dict[str, list[Purchase]]
) -> None:
    with serving(data, "--no-demo") as served:
        importing = [*RECOUNT, "import", str(file), "--project", "1", "--data-dir", str(data)]
        with subprocess.Popen(importing, env=environment(), stderr=subprocess.DEVNULL) as process:
            until(lambda: any((data / "imports").glob("*")), "some events are acknowledged")
            served.end(signal.SIGKILL)
            process.kill()
    with serving(data, "--no-demo") as served:
        imported = recount("import", str(file), "--project", "1", "--data-dir", str(data), "--json")
        assert 0 < json.loads(imported.stdout)["events"] < EVENTS
        expected = three_purchases(bought, window_days=30)
        assert Client(served, data).conversion(30, None) == expected
        served.end(signal.SIGTERM)
    assert stored(data) == [EVENTS, EVENTS, PERSONS]
