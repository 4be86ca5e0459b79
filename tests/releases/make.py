"""`python -m tests.releases.make FOLDER`: what a release leaves behind, for later ones to read.

To run on the code of that release, when it is made: requests of every kind to a server of its own,
then its log, and the rows that it has folded from it. `test_left_behind` reads both for ever.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from services.embedded import datadir
from services.projector.app import projections
from tests.embedded.recount_process import serving
from tests.waiting import until

LOG = "log.ndjson"
ROWS = "rows.json"
STEPS = [{"id": "signed_up", "order": 0}, {"id": "paid", "order": 1}]
QUERY = {
    "kind": "InsightVizNode",
    "source": {
        "kind": "FunnelsQuery",
        "series": [
            {"kind": "EventsNode", "event": "signed_up"},
            {"kind": "EventsNode", "event": "paid"},
        ],
    },
}


class Requests:
    """One after the other; none may fail."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        where = path if path.startswith("/") else f"/api/projects/1/{path}"
        answer = self._http.request(method, where, json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        self.operation = answer.headers.get("Insights-Operation", "")
        return answer.json() if answer.content else None


def work(ask: Requests) -> None:
    """Something of everything that changes."""
    change: dict[str, Any]
    dashboard = ask.send("POST", "dashboards/", {"name": "Overview", "description": "All"})["id"]
    other = ask.send("POST", "dashboards/", {"name": "Other"})["id"]
    for change in (
        {"name": "Overview 2"},
        {"description": "Less"},
        {"tags": ["a", "b"]},
        {"pinned": True},
        {"pinned": False},
        {"filters": {"date_from": "-7d"}},
        {"restriction_level": 37},
    ):
        ask.send("PATCH", f"dashboards/{dashboard}/", change)
    one = ask.send("POST", "insights/", {"name": "One", "query": QUERY, "dashboards": [dashboard]})
    two = ask.send("POST", "insights/", {"name": "Two", "filters": {"events": STEPS}})
    path = f"insights/{one['id']}/"
    for change in (
        {"name": "Uno"},
        {"description": "What it is"},
        {"tags": ["x", "y"]},
        {"favorited": True},
        {"favorited": False},
        {"saved": True},
        {"saved": False},
        {"query": {**QUERY, "full": True}},
        {"dashboards": [dashboard, other]},
        {"dashboards": [other]},
        {"deleted": True},
        {"deleted": False},
        {"order": 7},
        {"derived_name": "signed up to paid"},
    ):
        ask.send("PATCH", path, change)
    ask.send("PATCH", f"insights/{two['id']}/", {"filters": {"events": STEPS[:1]}})
    ask.send("POST", f"{path}viewed/", {})
    ask.send("POST", "insights/viewed/", {"insight_ids": [one["id"], two["id"]]})
    ask.send("PATCH", f"dashboards/{other}/", {"deleted": True})
    ask.send("PATCH", f"dashboards/{other}/", {"deleted": False})
    share = f"{path}sharing/"
    ask.send("PATCH", share, {"enabled": True})
    ask.send("PATCH", share, {"settings": {"noHeader": True}})
    ask.send("POST", f"{share}refresh/", {})
    ask.send("PATCH", share, {"password_required": True})
    made = ask.send("POST", f"{share}passwords/", {"raw_password": "correct horse", "note": "us"})
    ask.send("DELETE", f"{share}passwords/{made['id']}/")
    ask.send("PATCH", share, {"password_required": False})
    ask.send("PATCH", share, {"enabled": False})
    action = ask.send("POST", "actions/", {"name": "Paid", "steps": [{"event": "paid"}]})["id"]
    for change in (
        {"name": "Has paid"},
        {"description": "Money"},
        {"steps": [{"event": "paid"}, {"event": "paid twice"}]},
        {"deleted": True},
        {"deleted": False},
    ):
        ask.send("PATCH", f"actions/{action}/", change)
    people = {"type": "AND", "values": [{"key": "plan", "value": "pro", "type": "person"}]}
    cohort = ask.send("POST", "cohorts/", {"name": "Pros", "filters": {"properties": people}})["id"]
    for change in (
        {"name": "Professionals"},
        {"description": "They pay"},
        {"filters": {"properties": {**people, "type": "OR"}}},
        {"deleted": True},
        {"deleted": False},
    ):
        ask.send("PATCH", f"cohorts/{cohort}/", change)
    for change in (
        {"name": "Shop 2"},
        {"timezone": "Europe/Vienna"},
        {"week_start_day": 1},
        {"test_account_filters": [{"key": "plan", "value": "test", "type": "person"}]},
    ):
        ask.send("PATCH", "/api/projects/1/", change)
    ask.send("PATCH", path, {"name": "To be undone"})
    ask.send("POST", f"operations/{ask.operation}/undo/", {})
    ask.send("POST", f"{path}revert/", {"to": "v2", "fields": ["name"]})
    ids = {"ids": [one["id"], two["id"]], "set": {"favorited": True}}
    ask.send("POST", "insights/bulk/", ids)
    hook = ask.send("POST", "webhooks/", {"url": "http://127.0.0.1:9/", "after": "0"})["id"]
    ask.send("POST", f"webhooks/{hook}/pause/", {})
    ask.send("POST", f"webhooks/{hook}/resume/", {})
    ask.send("DELETE", f"webhooks/{hook}/")


def left_behind(url: str) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """The log's rows, and those of every projection."""
    with psycopg.connect(url) as conn:
        log = conn.execute("SELECT to_jsonb(log) FROM log ORDER BY notification_id").fetchall()
        rows: dict[str, list[Any]] = {}
        for table in (table.name for each in projections() for table in each.tables):
            statement = sql.SQL("SELECT to_jsonb(t) FROM {} t ORDER BY to_jsonb(t)::text")
            found = conn.execute(statement.format(sql.Identifier(table))).fetchall()
            rows[table] = [row for (row,) in found]
    return [row for (row,) in log], rows


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rct-") as name:
        data = Path(name).resolve() / "data"
        data.parent.chmod(0o711)
        settings = {**os.environ, "RECOUNT_EMBEDDED_READS": "off"}
        settings["RECOUNT_EMBEDDED_WEBHOOKS_ALLOW"] = "127.0.0.0/8"
        with serving(data, "--no-demo", settings=settings) as served:
            key = served.printed.partition("API key")[2].split()[0]
            work(Requests(served.url, key))
            running = datadir.find(data)
            assert running is not None

            def caught_up() -> bool:
                with psycopg.connect(running.postgres_url) as conn:
                    behind = conn.execute(
                        "SELECT FROM checkpoints WHERE position <"
                        " (SELECT max(notification_id) FROM log)"
                    )
                    return behind.fetchone() is None

            until(caught_up, "all rows are there")
            log, rows = left_behind(running.postgres_url)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOG).write_text("".join(json.dumps(row) + "\n" for row in log))
    lines = {table: [json.dumps(row) for row in found] for table, found in rows.items()}
    (folder / ROWS).write_text(json.dumps(lines, indent=0) + "\n")
    kinds = {row["topic"] for row in log}
    print(f"{len(log)} facts of {len(kinds)} kinds in {folder}")
    print(*sorted(kinds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
