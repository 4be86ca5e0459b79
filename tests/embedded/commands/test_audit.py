"""`recount audit` as scripts run it: exports, broken ones, and following over restarts."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from contracts.cursors import cursor_text
from contracts.events.insight import InsightRenamed
from services.command.audit.sealing import Sealing
from tests.contracts.ocsf.validating import validated
from tests.embedded.recount_process import RECOUNT, environment
from tests.examples import created
from tests.services.command.audit.trail import answered
from tests.services.query.streams.streaming import Streaming, streaming_service

ENTRIES = 1_203
READS = 1_004


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url) as running:
        await running.projector.append(created(name="line\u2028separator"))
        yield running


def by_url(service: Streaming) -> tuple[list[str], Mapping[str, str]]:
    return ["--url", service.url], {"KEY": service.keys["alice"]}


def by_database(service: Streaming) -> tuple[list[str], Mapping[str, str]]:
    return [], {"RECOUNT_EMBEDDED_POSTGRES_URL": service.projector.url}


DOORS = (by_url, by_database)


@contextlib.asynccontextmanager
async def started(
    command: str, where: tuple[list[str], Mapping[str, str]], *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    place, variables = where
    process = await asyncio.create_subprocess_exec(
        *(*RECOUNT, "audit", command, "--project", "1", *place, *options),
        env={**os.environ, **environment(), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def exported(
    where: tuple[list[str], Mapping[str, str]], *options: str
) -> tuple[int | None, bytes, str]:
    """Exit code, what was written, and what was said."""
    async with started("export", where, *options) as process:
        written, said = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, written, said.decode()


async def rename(service: Streaming, count: int) -> None:
    await service.projector.append(*(InsightRenamed(str(number), None) for number in range(count)))


async def cursor_at(service: Streaming, sequence: int) -> str:
    (entry,) = (await service.entries(sequence - 1))[:1]
    return cursor_text(sequence, entry.hash)


async def pages(service: Streaming, form: str) -> bytes:
    """What the server gives, page by page; of a table the header once."""
    whole, after = b"", "0"
    while True:
        url = f"/api/projects/1/audit/?format={form}&limit=1000&after={after}"
        answer = await service.client.get(url, headers=service.headers())
        body = answer.content
        whole += body.partition(b"\r\n")[2] if form == "csv" and whole else body
        after = answer.headers["Facts-Through"]
        if after == answer.headers["Facts-Head"]:
            return whole


async def test_both_doors_write_the_whole_as_the_server_gives_it(
    service: Streaming, tmp_path: Path
) -> None:
    await rename(service, ENTRIES - 1)
    end = f"entries {ENTRIES}, cursor {await cursor_at(service, ENTRIES)}, checkpoint none\n"
    code, written, said = await exported(by_url(service), "--format", "csv")
    assert (code, said) == (0, end)
    assert written == await pages(service, "csv")
    assert len(written.split(b"\r\n")) == ENTRIES + 2
    file = tmp_path / "facts.ndjson.gz"
    code, nothing, said = await exported(
        by_database(service), "--format", "ocsf", "--out", str(file)
    )
    assert (code, nothing, said) == (0, b"", end)
    lines = gzip.decompress(file.read_bytes())
    assert lines == await pages(service, "ocsf")
    assert [told(line) for line in lines.splitlines()] == list(range(1, ENTRIES + 1))


async def test_an_export_goes_on_behind_a_cursor(service: Streaming) -> None:
    await rename(service, 4)
    for door in DOORS:
        code, written, said = await exported(door(service), "--after", await cursor_at(service, 3))
        assert code == 0
        assert [json.loads(line)["sequence"] for line in written.splitlines()] == [4, 5]
        assert said.startswith("entries 2, cursor 5-")
    code, _, said = await exported(by_database(service), "--after", "9")
    assert (code, "head is 5-" in said) == (1, True)


async def test_the_trail_of_reads_is_exported_by_its_numbers(service: Streaming) -> None:
    pool = service.projector.pool
    await answered(pool, 1, READS)
    await Sealing(service.projector.store, pool).seal_all()
    code, written, said = await exported(by_url(service), "--reads")
    assert (code, said) == (0, f"entries {READS}, cursor {READS}, checkpoint none\n")
    numbers = [json.loads(line)["number"] for line in written.splitlines()]
    assert numbers == list(range(1, READS + 1))
    code, again, said = await exported(
        by_database(service), "--reads", "--after", "1000", "--format", "csv"
    )
    assert (code, said) == (0, f"entries {READS - 1000}, cursor {READS}, checkpoint none\n")
    assert again.count(b"\r\n") == READS - 1000 + 1


async def test_a_broken_export_says_where_it_can_go_on(service: Streaming) -> None:
    await rename(service, 4)
    code, _, said = await exported(by_database(service), "--out", "/dev/full")
    assert code == 1
    assert said.splitlines()[-1] == "entries 0, cursor 0, checkpoint none"
    assert "No space left" in said
    await rename(service, 2_000)
    async with started("export", by_url(service)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        await process.stdout.readline()
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # as `head` does
        said = (await asyncio.wait_for(process.stderr.read(), 60)).decode()
        assert await process.wait() == 1
    assert said.splitlines()[-1].startswith("entries ")


@pytest.mark.parametrize("door", DOORS)
async def test_a_follower_that_is_ended_and_started_again_misses_and_doubles_nothing(
    service: Streaming, tmp_path: Path, door: type
) -> None:
    kept = tmp_path / "cursor"
    total = 120

    async def write() -> None:
        for number in range(total - 1):
            await service.projector.append(InsightRenamed(str(number), None))

    writing = asyncio.create_task(write())
    found: list[int] = []
    forms = ["ndjson", "ocsf"]
    while len(found) < total:
        form = forms[0]
        forms.reverse()
        options = ("--after", "0", "--cursor-file", str(kept), "--format", form)
        async with started("follow", door(service), *options) as process:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                for _ in range(min(70, total - len(found))):
                    found.append(told(await process.stdout.readline()))
            process.send_signal(signal.SIGTERM)
            # What it had already written before it heard of its end counts.
            found += [told(line) for line in (await process.stdout.read()).splitlines()]
            assert await asyncio.wait_for(process.wait(), 60) == 0
        assert kept.read_text().strip() == await cursor_at(service, found[-1])
    await writing
    assert found == list(range(1, total + 1))


def told(line: bytes) -> int:
    event = json.loads(line)
    return int(
        validated(event)["metadata"]["sequence"] if "metadata" in event else event["sequence"]
    )


async def test_refusals_are_sentences(service: Streaming) -> None:
    place, _ = by_url(service)
    code, _, said = await exported((place, {"KEY": service.keys["bob"]}))
    assert (code, "403" in said) == (1, True)
    code, _, said = await exported((place, {"KEY": ""}))
    assert (code, "Say which key" in said) == (2, True)
    async with started("follow", ([], {}), "--data-dir", "/nowhere/at/all") as process:
        _, told_it = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 1
    assert b"no data folder here: /nowhere/at/all" in told_it
