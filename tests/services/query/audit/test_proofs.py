"""audit/log/: the checkpoint, keys, tiles and proofs, as a verifier of another house asks."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.events.insight import InsightRenamed
from contracts.merkle import consistent, includes, leaf_hash, root_of
from contracts.notes import parse_checkpoint, parse_note, parse_vkey, signers
from services.common.proofs import tree
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from tests import servers
from tests.services.projector.proofs.growing import MANY, many, proofs
from tests.services.query.streams.streaming import Streaming, streaming_service

LOG = "/api/projects/1/audit/log/"
ORIGIN = "recount/test"


@pytest.fixture(scope="module")
async def service(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Streaming]:
    """Two trees are signed: of half the entries, and of all but one."""
    files = KeyFiles(tmp_path_factory.mktemp("log") / "keys")
    with databases.migrated() as url:
        async with streaming_service(url) as running:
            signer = Signer(running.projector.pool, ORIGIN, files, apart=timedelta(0))
            await many(running.projector, 300)
            await proofs(running.projector)
            await signer.sign()
            more = [InsightRenamed(str(number), "") for number in range(MANY - 300)]
            await running.projector.append(*more)
            await proofs(running.projector)
            await signer.sign()
            await running.projector.append(InsightRenamed("not signed", ""))
            await running.projector.catch_up()
            yield running


async def get(service: Streaming, path: str, *, by: str = "alice") -> httpx.Response:
    return await service.client.get(f"{LOG}{path}", headers=service.headers(by))


async def leaves(service: Streaming) -> list[bytes]:
    return await tree.leaves(service.projector.pool, 1, 0, MANY)


async def test_the_checkpoint_is_a_note_that_the_log_s_keys_verify(service: Streaming) -> None:
    answer = await get(service, "checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    note = parse_note(answer.text)
    checkpoint = parse_checkpoint(note.text)
    keys = (await get(service, "keys")).json()
    assert (keys["origin"], checkpoint.origin) == (f"{ORIGIN}/1", f"{ORIGIN}/1")
    (key,) = keys["keys"]
    assert (key["until"], key["lost"]) == (None, False)
    assert signers(note, [parse_vkey(key["vkey"])])
    assert checkpoint.size == MANY
    assert checkpoint.root == root_of(await leaves(service))


async def test_the_tree_is_made_again_from_its_tiles(service: Streaming) -> None:
    of = await leaves(service)
    whole = await get(service, "tile/0/001")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert "immutable" in whole.headers["cache-control"]
    assert whole.content == b"".join(map(leaf_hash, of[256:512]))
    part = await get(service, f"tile/0/002.p/{MANY - 512}")
    assert "immutable" not in part.headers["cache-control"]
    assert part.content == b"".join(map(leaf_hash, of[512:]))
    above = await get(service, "tile/1/000.p/2")
    assert above.content == root_of(of[:256]) + root_of(of[256:512])
    entries = await get(service, "tile/entries/000")
    assert entries.content == b"".join(b"\x00\x20" + entry for entry in of[:256])
    some = await get(service, "tile/entries/002.p/3")
    assert some.content == b"".join(b"\x00\x20" + entry for entry in of[512:515])


@pytest.mark.parametrize(
    "path",
    [
        "0/002",
        "0/002.p/200",
        "0/002.p/0",
        "0/002.p/256",
        "1/000",
        "1/000.p/3",
        "2/000.p/1",
        "0/2",
        "0/x000/002",
        "00/001",
        "64/000",
        "-1/000",
        "entries/003",
        "entries",
        "0/001/002",
    ],
)
async def test_a_tile_that_is_not_there_is_not_found(service: Streaming, path: str) -> None:
    assert (await get(service, f"tile/{path}")).status_code == 404


@pytest.mark.parametrize("size", [None, 300, 17])
async def test_an_entry_is_proved_to_be_in_a_tree(service: Streaming, size: int | None) -> None:
    of = await leaves(service)
    asked = "sequence=17" + ("" if size is None else f"&size={size}")
    told: dict[str, Any] = (await get(service, f"proof/inclusion?{asked}")).json()
    expected = MANY if size is None else size
    assert (told["sequence"], told["index"], told["size"]) == (17, 16, expected)
    assert told["hash"] == of[16].hex()
    proof = [bytes.fromhex(node) for node in told["proof"]]
    assert includes(of[16], 16, expected, root_of(of[:expected]), proof)
    covered = parse_checkpoint(parse_note(told["checkpoint"]).text)
    assert covered.size == (MANY if size is None else 300)


@pytest.mark.parametrize(("old", "new"), [(300, None), (1, 300), (300, 300), (256, 512)])
async def test_a_tree_is_proved_to_begin_with_an_older_one(
    service: Streaming, old: int, new: int | None
) -> None:
    of = await leaves(service)
    asked = f"from={old}" + ("" if new is None else f"&to={new}")
    told = (await get(service, f"proof/consistency?{asked}")).json()
    end = MANY if new is None else new
    assert (told["from"], told["to"]) == (old, end)
    proof = [bytes.fromhex(node) for node in told["proof"]]
    assert consistent(old, end, root_of(of[:old]), root_of(of[:end]), proof)
    assert (proof == []) == (old == end)
    assert told["checkpoint"].startswith(f"{ORIGIN}/1\n")


@pytest.mark.parametrize(
    ("path", "attr"),
    [
        ("proof/consistency?from=0&to=5", "from"),
        ("proof/consistency?from=6&to=5", "from"),
        ("proof/consistency?from=5&to=9999", "to"),
        ("proof/consistency?to=5", "from"),
        ("proof/consistency?from=x", "from"),
        ("proof/inclusion?sequence=0", "sequence"),
        ("proof/inclusion?sequence=9999", "sequence"),
        ("proof/inclusion?sequence=7&size=6", "sequence"),
        ("proof/inclusion?sequence=7&size=9999", "size"),
        ("proof/inclusion?sequence=7&size=-1", "size"),
        ("proof/inclusion", "sequence"),
    ],
)
async def test_what_can_not_be_proved_is_refused(service: Streaming, path: str, attr: str) -> None:
    answer = await get(service, path)
    assert (answer.status_code, answer.json()["attr"]) == (400, attr)


async def test_only_administrators_see_proofs_and_a_chain_without_facts_has_none(
    service: Streaming,
) -> None:
    for path in ("checkpoint", "keys", "tile/0/000", "proof/inclusion?sequence=1"):
        assert (await get(service, path, by="bob")).status_code == 403
    assert base64.b64decode((await get(service, "checkpoint")).text.splitlines()[2])
