"""Every example of the funnels' page: its history happened, its request is sent, its answer comes.

An example is a section with a `history` block, then pairs of a `request` and an `answer` block.
A history has a line per event (person, time in UTC, event, properties) or per person ("is", then
properties), columns apart by two spaces or more.
"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.common.accounts import administration
from tests import servers, whole
from tests.pages import Section, differences, sections, shown_json
from tests.services.query.people.shop import NOON, Event, happened, known
from tests.whole import Whole

PAGE = Path(__file__).parents[2] / "services" / "query" / "insights" / "funnels" / "README.md"
EXAMPLES = [section for section in sections(PAGE.read_text()) if section.blocks]
HOUR = timedelta(hours=1)


class History(msgspec.Struct, frozen=True):
    """What happened, in the order told, and what is known of persons."""

    events: list[Event]
    persons: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
async def opened(
    databases: servers.Databases, nats_url: str, server_folder: Path
) -> AsyncIterator[Whole]:
    """All services but capture, for all examples; each takes a project of its own."""
    with databases.migrated() as postgres_url:
        async with servers.clickhouse(server_folder) as clickhouse:
            url = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
            async with whole.running(postgres_url, nats_url, clickhouse, url) as running:
                yield running


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.heading for example in EXAMPLES])
async def test_the_answer_is_the_one_on_the_page(opened: Whole, example: Section) -> None:
    told, *conversation = example.blocks
    assert told.form == "history"
    project = await administration.create_project(
        opened.pool, opened.organization.id, example.heading
    )
    here = msgspec.structs.replace(opened, project=project)
    history = read(told.text)
    await happened(here, *history.events)
    if history.persons:
        await known(here, **history.persons)
    assert conversation, "an example asks something"
    assert [block.form for block in conversation] == ["request", "answer"] * (
        len(conversation) // 2
    )
    for request, answer in zip(conversation[::2], conversation[1::2], strict=True):
        found = await ask(here, request.text)
        assert list(differences(shown_json(answer.text), found)) == []


async def ask(here: Whole, request: str) -> Any:
    """The body of the answer. request: a line with method and path, then the body."""
    line, _, body = request.partition("\n")
    method, _, path = line.partition(" ")
    answer = await here.client.request(
        method,
        here.root + path,
        content=body.encode() or None,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(history: str) -> History:
    events: list[Event] = []
    persons: dict[str, dict[str, Any]] = {}
    for line in history.splitlines():
        who, when, *rest = re.split(r"\s{2,}", line.strip())
        if when == "is":
            persons[who] = properties(rest[0] if rest else "")
            continue
        at = datetime.fromisoformat(when).replace(tzinfo=UTC)
        name, told = rest[0], rest[1] if len(rest) > 1 else ""
        events.append(Event(name, who, (at - NOON) / HOUR, properties(told)))
    return History(events, persons)


def properties(text: str) -> dict[str, Any]:
    """`plan=pro, seats=3`: what reads as JSON is that, else it is text."""
    pairs = (pair.partition("=") for pair in text.split(", ") if pair)
    return {name: value_of(value) for name, _, value in pairs}


def value_of(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
