"""GET audit/export/: an archive that verifies by itself, whatever was erased since."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from contracts.chain import PAYLOAD_ERASED
from contracts.events.audit import erased_entry
from contracts.events.insight import InsightRenamed
from contracts.events.streams import Stream, StreamKind
from contracts.notes import parse_checkpoint, parse_note
from services.common.verifying import offline
from services.common.verifying.offline import Checkpoint, Key, Outcome
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from tests import servers
from tests.services.projector.proofs.growing import proofs
from tests.services.query.audit.auditing import write
from tests.services.query.streams.streaming import Streaming, streaming_service

EXPORT = "/api/projects/1/audit/export/"
ENTRIES = 12


class Archived:
    """sign: takes the trees to the log's end, and signs them."""

    def __init__(self, running: Streaming, files: KeyFiles) -> None:
        self.running = running
        self.projector = running.projector
        self._signer = Signer(running.projector.pool, "recount/test", files, apart=timedelta(0))

    async def sign(self) -> None:
        await proofs(self.projector)
        await self._signer.sign()

    async def get(self, query: str = "", by: str = "alice") -> httpx.Response:
        return await self.running.client.get(f"{EXPORT}{query}", headers=self.running.headers(by))

    async def checkpoint(self) -> str:
        log = EXPORT.replace("export/", "log/checkpoint")
        answer = await self.running.client.get(log, headers=self.running.headers())
        return answer.text


@pytest.fixture(scope="module")
async def archived(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Archived]:
    """Entry 11 is erased, which entry 12 tells; the first nine were signed before, too."""
    with databases.migrated() as url:
        async with streaming_service(url) as running:
            made = Archived(running, KeyFiles(tmp_path_factory.mktemp("log") / "keys"))
            await write(running)
            await made.sign()
            await running.projector.append(InsightRenamed("a", "b"), InsightRenamed("c", "d"))
            await erase(made, 11)
            await made.sign()
            yield made


async def erase(archived: Archived, sequence: int) -> None:
    (entry,) = (await archived.running.entries(sequence - 1))[:1]
    told = erased_entry(1, sequence, entry.name, entry.commitment, ("name",))
    await archived.projector.append(told, of=Stream(StreamKind.ERASURE, 1, sequence))
    await archived.projector.execute(
        "UPDATE log SET salt = '', state = convert_to(%s, 'UTF8')"
        " WHERE team_id = 1 AND team_seq = %s",
        '{"type":"insight.renamed.v1","name":"[erased]","previous":null}',
        sequence,
    )


def verified(answer: httpx.Response, *against: str) -> Outcome:
    assert answer.status_code == 200, answer.text
    lines = answer.content.splitlines(keepends=True)
    (key,) = json.loads(lines[0])["keys"]
    return offline.verify(lines, [Key(key)], [Checkpoint(text, "kept") for text in against])


async def test_an_archive_holds_by_itself(archived: Archived) -> None:
    answer = await archived.get()
    assert answer.headers["content-type"] == "application/x-ndjson"
    outcome = verified(answer, await archived.checkpoint())
    assert (outcome.status, outcome.first, outcome.last) == (0, 1, ENTRIES)
    head, *events, tail = answer.content.splitlines()
    assert json.loads(head) | {"keys": []} == {
        "recount_export": 1,
        "origin": "recount/test/1",
        "project": 1,
        "after": 0,
        "through": ENTRIES,
        "keys": [],
        "tree": [],
    }
    source = await archived.running.events()
    assert events == source
    assert list(json.loads(tail)) == ["checkpoint", "consistency"]


@pytest.mark.parametrize(("after", "through"), [(0, 9), (4, 12), (4, 7), (9, 9), (12, 12)])
async def test_a_part_of_it_holds_too(archived: Archived, after: int, through: int) -> None:
    outcome = verified(await archived.get(f"?after={after}&through={through}"))
    assert (outcome.status, outcome.entries, outcome.last) == (0, through - after, through)


async def test_a_part_that_ends_before_an_erasure_was_told_brings_the_proof_of_it(
    archived: Archived,
) -> None:
    answer = await archived.get("?through=11")
    assert verified(answer).status == 0
    tail = json.loads(answer.content.splitlines()[-1])
    (told,) = tail["erasures"]
    assert json.loads(told["event"])["type"] == PAYLOAD_ERASED
    assert parse_checkpoint(parse_note(tail["checkpoint"]).text).size == ENTRIES
    lines = answer.content.replace(json.dumps(told["proof"][0]).encode(), b'"' + b"0" * 64 + b'"')
    with pytest.raises(offline.Broken) as broken:
        offline.verify(lines.splitlines(), [], [])
    assert broken.value.code == "forked"


async def test_cursors_are_held_against_the_log(archived: Archived) -> None:
    ahead = await archived.get("?after=99")
    assert (ahead.status_code, ahead.json()["code"]) == (409, "cursor_ahead")
    elsewhere = await archived.get("?after=3-0000000000000000")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "cursor_elsewhere")
    backwards = await archived.get("?after=5&through=3")
    assert (backwards.status_code, backwards.json()["attr"]) == (400, "through")
    assert (await archived.get("?after=x")).json()["attr"] == "after"
    assert (await archived.get(by="bob")).status_code == 403


async def test_what_is_not_signed_yet_is_waited_for_and_then_said(
    databases: servers.Databases,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.query.audit.archive.PATIENCE_SECONDS", 0.0)
    with databases.migrated() as url:
        async with streaming_service(url) as running:
            made = Archived(running, KeyFiles(tmp_path_factory.mktemp("log") / "keys"))
            empty = await made.get()
            assert json.loads(empty.content.splitlines()[-1]) == {
                "checkpoint": None,
                "consistency": [],
            }
            assert offline.verify(empty.content.splitlines(), [], []).entries == 0
            await write(running)
            refused = await made.get()
            assert (refused.status_code, refused.json()["code"]) == (503, "not_signed_yet")
            await made.sign()
            await running.projector.append(InsightRenamed("a", "b"))
            assert verified(await made.get()).last == 9
