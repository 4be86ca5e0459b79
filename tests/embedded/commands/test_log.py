"""`recount log`, on servers elsewhere; what it decides is tried where servers are failed over."""

import asyncio
import json
from collections.abc import Callable, Iterator

import psycopg
import pytest
from click.testing import CliRunner, Result

from contracts.subjects import FACTS_STREAM
from services.embedded.cli import recount
from services.embedded.refusal import CannotStart
from tests import servers
from tests.services.command.bus.setup import facts_bus, fill, published

FACTS = 20

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with servers.server_folder() as folder, servers.nats_server(folder) as running:
        yield running.url


@pytest.fixture
def run(postgres_url: str, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command on a log that lacks the stream's last three entries."""
    monkeypatch.setenv("RECOUNT_EMBEDDED_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("RECOUNT_EMBEDDED_NATS_URL", server_url)
    asyncio.run(_publish(postgres_url, server_url))
    _run(postgres_url, f"DELETE FROM log WHERE notification_id > {FACTS - 3}")
    _run(
        postgres_url,
        "UPDATE log_heads SET (seq, hash) = (SELECT team_seq, hash FROM log"
        f" WHERE notification_id = {FACTS - 3})",
    )
    _run(postgres_url, "UPDATE log_state SET timeline = 99")

    def command(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(recount, words, input=answer)

    yield command
    asyncio.run(_forget(postgres_url, server_url))


async def _publish(postgres_url: str, server_url: str) -> None:
    await fill(postgres_url, FACTS)
    async with published(postgres_url, server_url):
        pass


async def _forget(postgres_url: str, server_url: str) -> None:
    async with facts_bus(postgres_url, server_url) as bus:
        await bus.client.jetstream().delete_stream(FACTS_STREAM)


def _run(postgres_url: str, statement: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(statement.encode())


def test_recover_puts_back_and_says_so(run: Run) -> None:
    assert isinstance(run("stream", "reset", "--yes").exception, CannotStart)
    done = run("log", "recover")
    assert done.exit_code == 0
    assert done.stdout == (
        f"The log was at {FACTS - 3}, the public stream at {FACTS}:"
        " 3 entries were put back, and the log is verified.\n"
    )
    told = json.loads(run("log", "recover", "--json").stdout)
    assert (told["outcome"], told["put_back"], told["head"]) == ("verified", 0, FACTS)


def test_recover_says_why_a_person_has_to_decide(run: Run, postgres_url: str) -> None:
    _run(postgres_url, "UPDATE log_heads SET seq = seq - 1")
    refused = run("log", "recover")
    assert refused.exit_code == 1
    assert refused.stdout == (
        f"The log was at {FACTS - 3}, the public stream at {FACTS}:"
        " nothing was put back, and they are two histories."
        f" INSIGHTS is at {FACTS}, the log at {FACTS - 3}:"
        f" position {FACTS - 2}: team_seq does not follow."
        " Nothing is appended until `recount log accept`.\n"
    )


def test_as_is_asks_first_and_goes_on_at_the_logs_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bus is away: it is the way on then.
    monkeypatch.setenv("RECOUNT_EMBEDDED_NATS_URL", "nats://127.0.0.1:1")
    refused = run("log", "accept", "--as-is", answer="n\n")
    assert refused.exit_code == 1
    assert f"The log ends at {FACTS - 3}." in refused.stderr
    done = run("log", "accept", "--as-is", answer="y\n")
    assert done.exit_code == 0
    assert done.stdout == f"The log goes on at position {FACTS - 2}, on timeline 1.\n"


def test_void_goes_on_behind_the_stream_and_the_stream_is_made_anew(run: Run) -> None:
    done = run("log", "accept", "--void", "--yes")
    assert done.stdout == (
        f"The log goes on at position {FACTS + 2}. `recount stream reset` publishes it again.\n"
    )
    assert run("stream", "reset", "--yes").exit_code == 0
    told = json.loads(run("stream", "status", "--json").stdout)
    assert (told["state"], told["last"], told["head"]) == ("whole", FACTS + 1, FACTS + 1)


def test_one_of_both_has_to_be_said(run: Run) -> None:
    for words in ((), ("--as-is", "--void")):
        assert run("log", "accept", *words).exit_code == 2
