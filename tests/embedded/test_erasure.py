"""A text in every place that has one, erased; then its bytes are looked for in the data folder."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from contracts.notes import parse_note, parse_vkey, signers
from services.embedded import datadir
from tests import servers
from tests.embedded.recount_process import Served, recount, serving

TEXT = "Zerafina Quillfeather"
PERSON = "zerafina-distinct-id"
ALLOW = {"RECOUNT_EMBEDDED_WEBHOOKS_ALLOW": "127.0.0.0/8"}
FUNNEL = {
    "kind": "InsightVizNode",
    "source": {
        "kind": "FunnelsQuery",
        "series": [
            {"kind": "EventsNode", "event": "seen", "custom_name": TEXT},
            {"kind": "EventsNode", "event": "bought"},
        ],
    },
}


class Server(msgspec.Struct, frozen=True):
    served: Served
    folder: Path
    client: httpx.Client
    project: int
    token: str
    database: str

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/api/projects/{self.project}/{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def erased(self, **asked: Any) -> Any:
        """Once it is logical."""
        made = self.api("POST", "audit/erasures/", asked)
        return self.until(made["id"], "logical")

    def until(self, number: int, state: str) -> Any:
        deadline = time.monotonic() + 60
        while True:
            found = self.api("GET", f"audit/erasures/{number}/")
            if found["state"] in (state, "failed"):
                assert found["state"] == state, found
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def receipt(self, number: int) -> str:
        deadline = time.monotonic() + 60
        while (found := self.api("GET", f"audit/erasures/{number}/")["receipt"]) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return str(found)

    def rows_with(self, text: str) -> list[str]:
        """Tables of PostgreSQL that have it in a row, as it is or encoded."""
        found = []
        with psycopg.connect(self.database) as conn:
            tables = conn.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            for (table,) in tables:
                rows = conn.execute(f"SELECT t::text FROM {table} t").fetchall()
                if any(_has(row, text) for (row,) in rows):
                    found.append(table)
        return found

    def files_with(self, text: str, folder: str) -> list[str]:
        wanted = text.casefold().encode()
        return [
            str(path.relative_to(self.folder))
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and wanted in path.read_bytes().lower()
        ]


def _has(row: str, text: str) -> bool:
    """As it is, or in hexadecimal, as a binary column shows it."""
    spelled = {text, text.lower(), text.upper()}
    return text.casefold() in row.casefold() or any(each.encode().hex() in row for each in spelled)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with servers.server_folder() as made, _server(made / "data") as running:
        yield running


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    with serving(folder, "--no-demo", settings=ALLOW) as served:
        running = datadir.find(folder)
        assert running is not None
        key = next(
            word.partition("=")[2]
            for line in served.printed.splitlines()
            for word in line.split()
            if word.startswith("KEY=")
        )
        with psycopg.connect(running.postgres_url) as conn:
            conn.execute("UPDATE organization_members SET level = 15")
            row = conn.execute("SELECT id, api_token FROM projects").fetchone()
            assert row is not None
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=served.url, headers=headers, timeout=60) as client:
            yield Server(served, folder, client, row[0], row[1], running.postgres_url)


def a_text_everywhere(server: Server) -> None:
    insight = server.api("POST", "insights/", {"name": "Plain", "description": TEXT})
    one = f"insights/{insight['id']}/"
    server.api("PATCH", one, {"name": TEXT})
    server.api("PATCH", one, {"query": FUNNEL, "tags": ["x", TEXT]})
    server.api("PATCH", one, {"description": f"Of {TEXT.upper()} alone"})
    board = server.api("POST", "dashboards/", {"name": TEXT, "description": TEXT, "tags": [TEXT]})
    server.api("PATCH", one, {"dashboards": [board["id"]]})
    server.api("PATCH", f"dashboards/{board['id']}/", {"name": "Board"})
    server.api("POST", "actions/", {"name": TEXT, "steps": [{"event": TEXT}]})
    server.api("POST", "cohorts/", {"name": TEXT, "is_static": True})
    server.api("PATCH", f"{one}sharing/", {"enabled": True, "password_required": True})
    server.api("POST", f"{one}sharing/passwords/", {"note": TEXT})
    server.api(
        "POST",
        "webhooks/",
        {"url": "http://127.0.0.1:9/hook", "description": TEXT, "types": ["viewing.*"]},
    )
    server.api("GET", f"{one}?refresh=blocking")
    server.api("POST", f"{one}viewed/")
    server.api("PATCH", one, {"name": "Harmless"})
    server.api("PATCH", "", {"name": TEXT})


def test_a_text_goes_from_rows_and_stream_and_the_chain_holds(server: Server) -> None:
    a_text_everywhere(server)
    tables = set(server.rows_with(TEXT))
    assert {"insights", "insight_versions", "activity", "jobs", "actions", "dashboards"} <= tables
    verified = recount("verify", "--data-dir", str(server.folder))
    assert verified.returncode == 0, verified.stderr
    body = server.erased(text=TEXT, reason="she asked")
    assert server.rows_with(TEXT) == []
    assert server.files_with(TEXT, "nats") == []
    verified = recount("verify", "--data-dir", str(server.folder))
    assert verified.returncode == 0, verified.stderr
    assert len(body["entries"]) > 10
    note, keys = parse_note(server.receipt(body["id"])), server.api("GET", "audit/log/keys")
    key = parse_vkey(keys["keys"][0]["vkey"])
    assert signers(note, [key]) == [key]
    origin, what, told = note.text.splitlines()
    assert (origin, what) == (key.name, f"erasure {body['id']}")
    receipt = msgspec.json.decode(told)
    assert receipt["entries"] == body["entries"]
    assert (receipt["state"], receipt["reason"]) == ("logical", "she asked")


READ = (
    *("insights/", "insights/?search=Zerafina", "insights/{insight}/?refresh=blocking"),
    *("insights/{insight}/versions/", "insights/{insight}/versions/1/"),
    *("insights/{insight}/diff/?from=v1&to=v4", "insights/{insight}/?as_of=v2"),
    *("insights/{insight}/activity/?all=true", "insights/activity/?all=true", "activity_log/"),
    *("advanced_activity_logs/", "advanced_activity_logs/?schema=ocsf&include_values=true"),
    *("insights/{insight}/sharing/", "dashboards/", "dashboards/{board}/", "actions/", "cohorts/"),
    *("dashboards/{board}/versions/", "actions/{action}/versions/", "versions/", "webhooks/"),
    *("facts/?limit=1000", "audit/?limit=1000", "audit/?format=ocsf", "audit/export/"),
    *("audit/completeness/", "audit/reads/", "operations/{operation}/", "audit/erasures/"),
)


def test_whatever_shows_it_still_answers_and_shows_it_no_more(server: Server) -> None:
    insight = server.api("GET", "insights/")["results"][0]
    assert (insight["name"], insight["tags"], insight["query"]) == (None, [], None)
    versions = server.api("GET", f"insights/{insight['id']}/versions/")["results"]
    places = {
        "insight": insight["id"],
        "board": server.api("GET", "dashboards/")["results"][0]["id"],
        "action": server.api("GET", "actions/")["results"][0]["id"],
        "operation": versions[0]["operation_id"],
    }
    for path in READ:
        url = f"/api/projects/{server.project}/{path.format(**places)}"
        answer = server.client.get(url)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        assert TEXT.casefold() not in answer.text.casefold(), path


def test_then_its_bytes_go_from_the_disk(server: Server) -> None:
    assert server.files_with(TEXT, "postgres") != []
    early = recount("erase", "--physical", "1", "--data-dir", str(server.folder))
    assert early.returncode == 2
    assert "--search" in early.stderr
    where = ("--data-dir", str(server.folder))
    done = recount("erase", "--physical", "1", "--search", TEXT, "--json", *where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert msgspec.json.decode(done.stdout)["state"] == "physical"
    assert server.files_with(TEXT, ".") == []
    body = server.api("GET", "audit/erasures/1/")
    assert [each["state"] for each in body["states"]] == ["requested", "logical", "physical"]
    verified = recount("verify", "--data-dir", str(server.folder))
    assert verified.returncode == 0, verified.stderr
    # Another text that is still there is found by the same search.
    server.api("POST", "actions/", {"name": "Stays where it is"})
    other = recount("erase", "--physical", "1", "--search", "stays where it is", *where)
    assert other.returncode == 1
    assert "files still have it" in other.stderr


def test_rebuilt_rows_equal_the_live_ones(server: Server) -> None:
    rebuilt = recount("rebuild", "--data-dir", str(server.folder), "--json")
    assert rebuilt.returncode == 0, rebuilt.stderr
    found = msgspec.json.decode(rebuilt.stdout)
    assert [(each["removed"], each["written"]) for each in found] == [(0, 0)] * len(found)


def test_a_person_and_all_their_events_go_by_the_command_line(server: Server) -> None:
    for distinct_id in (PERSON, "somebody-else"):
        event = {"event": "seen", "distinct_id": distinct_id, "properties": {"$set": {"a": 1}}}
        answer = server.client.post("/capture/", json={"api_key": server.token, **event})
        assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 60
    while "person_distinct_ids" not in server.rows_with(PERSON):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    where = ("--data-dir", str(server.folder), "--project", str(server.project))
    tried = recount("erase", "--person", PERSON, "--dry-run", *where)
    assert tried.returncode == 0, tried.stderr
    done = recount("erase", "--person", PERSON, "--reason", "asked", "--json", *where)
    assert done.returncode == 0, done.stderr
    told = msgspec.json.decode(done.stdout)
    assert told["state"] == "logical"
    assert (told["counts"]["events"], told["counts"]["capture"]) == (1, 1)
    assert server.rows_with(PERSON) == []
    assert server.files_with(PERSON, "nats") == []
    again = recount("erase", "--person", PERSON, *where)
    assert again.returncode == 1
    assert "No such person" in again.stderr


def test_without_a_server_the_command_does_it_all(server: Server) -> None:
    """The last test: the server is gone after it."""
    server.api("POST", "actions/", {"name": TEXT})
    assert server.served.end(signal.SIGTERM) == 0
    where = ("--data-dir", str(server.folder), "--project", str(server.project))
    done = recount("erase", "--text", TEXT, "--json", *where)
    assert done.returncode == 0, done.stderr
    told = msgspec.json.decode(done.stdout)
    assert (told["state"], told["counts"]["log"], told["counts"]["stream"]) == ("logical", 1, 1)
    assert server.files_with(TEXT, "nats") == []
