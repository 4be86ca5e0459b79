"""An organization's own chain: what a project's audit/ answers, for its owners alone."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from contracts.merkle import includes
from contracts.notes import parse_checkpoint, parse_note
from services.command.accounts.chains import Chains
from services.command.accounts.service import AccountWrites
from services.common.verifying import offline
from services.common.verifying.offline import Key
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from tests import servers
from tests.contracts.ocsf.validating import validated
from tests.services.projector.proofs.growing import proofs
from tests.services.query.streams.streaming import Streaming, streaming_service

CHAIN = -1
DOOR = "/api/organizations/@current/audit/"


class Owned(msgspec.Struct, frozen=True):
    """alice owns the organization; bob is a member. key_id: of a key that was revoked."""

    running: Streaming
    key_id: str

    async def get(self, path: str = "", by: str = "alice", status: int = 200) -> httpx.Response:
        answer = await self.running.client.get(f"{DOOR}{path}", headers=self.running.headers(by))
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture(scope="module")
async def owned(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Owned]:
    files = KeyFiles(tmp_path_factory.mktemp("log") / "keys")
    with databases.migrated() as url:
        async with streaming_service(url) as running:
            pool = running.projector.pool
            chains = Chains(pool, running.projector.store)
            await chains.begin_all()
            async with pool.connection() as conn:
                cursor = await conn.execute("SELECT id FROM organizations WHERE chain = -1")
                ((ours,),) = await cursor.fetchall()
            writes = AccountWrites(chains)
            await writes.change_rank(1, ours, 15)
            key = await writes.create_key(2, label="Wall", scopes=["insight:read"])
            limited = await writes.create_key(1, team_ids=[1])
            await writes.revoke_key(key.id)
            await proofs(running.projector)
            await Signer(pool, "recount/test", files, apart=timedelta(0)).sign()
            limited_keys = {**running.keys, "limited": limited.key}
            yield Owned(msgspec.structs.replace(running, keys=limited_keys), key.id)


async def pages(owned: Owned, query: str = "") -> list[dict[str, Any]]:
    page = (await owned.get(f"?{query}")).json()
    entries: list[dict[str, Any]] = page["entries"]
    return entries


async def test_owners_read_what_became_of_accounts(owned: Owned) -> None:
    entries = await pages(owned)
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry["type"].split(".")[1] for entry in entries] == [
        *("member_added", "key_created", "member_added", "key_created", "key_created"),
        *("key_created", "project_created"),
        *("member_rank_changed", "key_created", "key_created", "key_revoked"),
    ]
    last = entries[-1]
    assert last["data"] == {
        "type": "account.key_revoked.v1",
        "key_id": owned.key_id,
        "user_id": 2,
    }
    assert (last["item"]["kind"], last["actor"]) == ("account", {"type": "system"})
    (ranked,) = await pages(owned, "types=account.member_rank_changed.v1")
    assert (ranked["data"]["level"], ranked["data"]["previous"]) == (15, 8)


async def test_in_every_form(owned: Owned) -> None:
    lines = (await owned.get("?format=ocsf")).text.splitlines()
    events = [validated(json.loads(line)) for line in lines]
    assert {event["class_uid"] for event in events} == {3001, 3004, 3005}
    assert events[0]["metadata"]["uid"].endswith("/-1/1")
    table = list(csv.DictReader(io.StringIO((await owned.get("?format=csv")).text)))
    assert len(table) == len(events) == len((await owned.get("?format=ndjson")).text.splitlines())


async def test_it_proves_itself_as_a_projects_does(owned: Owned) -> None:
    checkpoint = (await owned.get("log/checkpoint")).text
    told = parse_checkpoint(parse_note(checkpoint).text)
    size = len(await pages(owned))
    assert (told.origin, told.size) == ("recount/test/-1", size)
    inclusion = (await owned.get("log/proof/inclusion?sequence=2")).json()
    steps = [bytes.fromhex(step) for step in inclusion["proof"]]
    assert includes(bytes.fromhex(inclusion["hash"]), 1, size, told.root, steps)
    proof = (await owned.get(f"log/proof/consistency?from={size}")).json()
    assert proof["proof"] == []
    complete = (await owned.get("completeness/")).json()
    assert (complete["project"], complete["head"]["sequence"]) == (-1, size)
    assert complete["ok"]
    tile = await owned.get(f"log/tile/0/000.p/{size}")
    assert len(tile.content) == 32 * size
    (key,) = (await owned.get("log/keys")).json()["keys"]
    archive = (await owned.get("export/")).content
    outcome = offline.verify(archive.splitlines(keepends=True), [Key(key["vkey"])], [])
    assert (outcome.status, outcome.entries) == (0, size)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "reads/",
            "completeness/",
            "export/",
            "log/checkpoint",
            "log/keys",
            "log/tile/0/000.p/1",
        ),
        *("log/proof/inclusion?sequence=1", "log/proof/consistency?from=1"),
    ],
)
async def test_nobody_but_owners_reads_it(owned: Owned, path: str) -> None:
    for by, status in (("bob", 403), ("limited", 403), ("cohorts", 403), ("carol", 403)):
        await owned.get(path, by=by, status=status)


async def test_an_organization_of_others_is_not_there(owned: Owned) -> None:
    for name in ("0b7c2a6e-1111-4222-8333-444455556666", "x"):
        answer = await owned.running.client.get(
            f"/api/organizations/{name}/audit/", headers=owned.running.headers()
        )
        assert answer.status_code == 404
