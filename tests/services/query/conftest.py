"""One engine for the folder's tests, usable from plain functions (hypothesis wants those)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import anyio.from_thread
import pytest

from contracts.product_events import property_texts
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.conditions import AnyCondition
from services.query.events.source import Source
from tests import servers

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
_NAMES = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def uid(name: str | int) -> UUID:
    """The same id for the same name."""
    return uuid5(_NAMES, str(name))


class Events:
    """Product events of many projects: each test takes a team of its own."""

    def __init__(self, portal: anyio.from_thread.BlockingPortal, clickhouse: ClickHouse) -> None:
        self._portal = portal
        self._clickhouse = clickhouse
        self._team = 0

    def team(self) -> int:
        self._team += 1
        return self._team

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        self._portal.call(self._clickhouse.insert, table, columns)

    def add(self, team_id: int, *properties: Mapping[str, Any], **columns: Any) -> None:
        """One event for each `properties`, named after its place: "0", "1" …"""
        self.insert(
            "events",
            [event(team_id, place, sent, **columns) for place, sent in enumerate(properties)],
        )

    def query(self, statement: Statement) -> list[tuple[Any, ...]]:
        return self._portal.call(self._clickhouse.query, statement)

    def table(
        self, team_id: int, conditions: Sequence[AnyCondition], **of: Any
    ) -> list[list[bool]]:
        """Per event that is named by a number, in that order, what each condition says of it."""
        bindings = Bindings()
        source = Source(team_id, bindings, **of)
        tests = ", ".join(source.condition(condition) for condition in conditions)
        text = (
            f"SELECT toInt32OrZero(e.event) AS place, {tests} {source.from_clause()} "
            f"WHERE {source.scope()} AND match(e.event, '^[0-9]+$') ORDER BY place, e.event"
        )
        rows = self.query(Statement(text, bindings.values))
        return [[bool(test) for test in tests] for _, *tests in rows]

    def passing(self, team_id: int, condition: AnyCondition, **of: Any) -> list[int]:
        """The places of the events that meet the condition."""
        rows = self.table(team_id, [condition], **of)
        return [place for place, (passes,) in enumerate(rows) if passes]


def event(
    team_id: int, name: str | int, properties: Mapping[str, Any] | None = None, **columns: Any
) -> dict[str, Any]:
    """A row of `events`; one person per event unless told otherwise."""
    stored, sent = property_texts(dict(properties or {}))
    return {
        "team_id": team_id,
        "event": str(name),
        "timestamp": NOON,
        "uuid": uid(f"{team_id} {name} {columns}"),
        "distinct_id": f"d{name}",
        "person_id": uid(f"person {name}"),
        "session_id": "",
        "group_0": "",
        "group_1": "",
        "properties": stored,
        "sent": sent,
        "inserted_at": NOON,
    } | columns


@pytest.fixture(scope="module")
def events(server_folder: Path) -> Iterator[Events]:
    with (
        anyio.from_thread.start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(servers.clickhouse(server_folder)) as clickhouse,
    ):
        yield Events(portal, clickhouse)


@pytest.fixture
def team(events: Events) -> int:
    return events.team()
