"""Who was shown what, as auditors read it: by number, filtered, in every form."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from contracts.reads import Read, commitment
from services.command.audit.sealing import Sealing
from services.common.log.store import EventStore
from tests.services.query.reads_trail.rows import recorded
from tests.whole import Whole


class Trail:
    def __init__(self, whole: Whole, admin: dict[str, str], store: EventStore) -> None:
        self.whole = whole
        self.admin = admin
        self._store = store
        self.count = 0

    async def reads(
        self, path: str, headers: dict[str, str] | None = None, status: int = 200
    ) -> None:
        answer = await self.whole.client.get(path, headers=headers)
        assert answer.status_code == status
        self.count += 1

    async def seal(self) -> None:
        """Whatever was read so far."""
        await recorded(self.whole.pool, self.count)
        await Sealing(self._store, self.whole.pool).seal_all()

    async def asked(self, query: str = "", status: int = 200) -> Any:
        answer = await self.whole.client.get(
            f"{self.whole.root}audit/reads/{query}", headers=self.admin
        )
        assert answer.status_code == status, answer.text
        self.count += 1
        is_json = answer.headers["content-type"].startswith("application/json")
        return answer.json() if is_json else answer.text


@pytest.fixture
async def trail(whole: Whole, postgres_url: str) -> AsyncIterator[Trail]:
    admin = await whole.key(user_id=await whole.member("root@example.com", level=8))
    async with EventStore.open(postgres_url) as store:
        yield Trail(whole, admin, store)


async def test_sealed_reads_are_told_by_their_numbers(trail: Trail) -> None:
    whole = trail.whole
    made = await whole.create(name="A")
    await trail.reads(f"{whole.insights}{made['id']}/")
    await recorded(whole.pool, 1)
    page = await trail.asked()
    assert (page["reads"], page["through"], page["unsealed"]) == ([], 0, 1)
    page = await trail.asked("?unsealed=true")
    assert [each["number"] for each in page["reads"]] == [None, None]
    await trail.seal()
    page = await trail.asked()
    first = page["reads"][0]
    assert first["actor"] == {
        "type": "user",
        "user_id": whole.ada,
        "key_id": first["actor"]["key_id"],
        "first_name": "Ada",
        "email": "ada@example.com",
    }
    assert (first["number"], first["what"], first["items"]) == (1, "insight", [made["id"]])
    assert "salt" not in first
    # Looking at the trail is a read of it.
    assert [each["surface"] for each in page["reads"]] == ["api", "audit", "audit"]
    assert page["through"] == 3
    following = (await whole.client.get(page["next"], headers=trail.admin)).json()
    assert (following["reads"], following["through"]) == ([], 3)
    facts = (await whole.client.get(f"{whole.root}audit/", headers=trail.admin)).json()
    (seal,) = [each for each in facts["entries"] if each["type"] == "audit.reads_sealed.v1"]
    assert seal["sequence"] == first["sealed_by"]


async def test_filters_leave_out_and_the_cursor_moves_on(trail: Trail) -> None:
    whole = trail.whole
    made = [await whole.create(name=name) for name in ("A", "B")]
    other = await whole.key(user_id=await whole.member("bo@example.com"))
    await trail.reads(f"{whole.insights}{made[0]['id']}/")
    await trail.reads(f"{whole.insights}{made[1]['id']}/", other)
    await trail.reads(f"{whole.insights}?format=csv")
    await trail.seal()

    async def numbers(query: str) -> list[int]:
        page = await trail.asked(query)
        assert page["through"] == 3
        return [each["number"] for each in page["reads"]]

    assert await numbers(f"?item={made[0]['short_id']}") == [1, 3]
    assert await numbers(f"?item=insight/{made[1]['id']}") == [2, 3]
    assert await numbers("?item=dashboard/1") == []
    assert await numbers(f"?user={whole.ada}") == [1, 3]
    assert await numbers("?surface=export") == [3]
    assert await numbers("?after=2") == [3]
    assert await numbers("?to=2020-01-01T00:00:00Z") == []
    assert (await trail.asked("?limit=1"))["through"] == 1


async def test_lines_can_be_verified_by_whoever_has_them(trail: Trail) -> None:
    await trail.reads(trail.whole.insights)
    await trail.seal()
    (line,) = (await trail.asked("?format=ndjson")).splitlines()
    told = json.loads(line)
    salt, expected = bytes.fromhex(told.pop("salt")), told.pop("commitment")
    for name in ("number", "sealed_by"):
        told.pop(name)
    for name in ("first_name", "email"):
        told["actor"].pop(name)
    read = msgspec.convert(told, Read)
    assert commitment(salt, read).hex() == expected


async def test_tables_and_ocsf(trail: Trail) -> None:
    await trail.reads(trail.whole.insights)
    await trail.seal()
    (row,) = csv.DictReader(io.StringIO(await trail.asked("?format=csv")))
    assert (row["number"], row["actor.email"], row["what"]) == (
        "1",
        "ada@example.com",
        "insight_list",
    )
    (line,) = (await trail.asked("?format=ocsf")).splitlines()
    event = json.loads(line)
    assert event["class_uid"] == 6003
    assert event["actor"]["user"]["email_addr"] == "ada@example.com"


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?surface=nowhere", "?item=x/y", "?user=x", "?from=never", "?format=xml"],
)
async def test_a_bad_parameter_is_named(trail: Trail, query: str) -> None:
    problem = await trail.asked(query, status=400)
    assert problem["attr"] == query[1:].partition("=")[0]


async def test_only_administrators_see_it_and_no_cursor_is_beyond_the_end(trail: Trail) -> None:
    await trail.reads(f"{trail.whole.root}audit/reads/", status=403)
    assert (await trail.asked("?after=9", status=409))["code"] == "cursor_ahead"
    await trail.seal()
    page = await trail.asked()
    assert [(each["status"], each["surface"]) for each in page["reads"]] == [
        (403, "audit"),
        (409, "audit"),
    ]


async def test_reads_of_an_organizations_chain_are_told_in_that_chain(trail: Trail) -> None:
    whole = trail.whole
    owner = await whole.key(user_id=await whole.member("owner@example.com", level=15))
    root = f"/api/organizations/{whole.organization.id}/audit/"
    await trail.reads(root, owner)
    await trail.reads(root, trail.admin, status=403)
    await trail.reads("/api/organizations/@current/audit/reads/", owner)
    await trail.seal()
    page = (await whole.client.get(f"{root}reads/", headers=owner)).json()
    assert [(each["status"], each["surface"], each["what"]) for each in page["reads"]] == [
        (200, "audit", "audit"),
        (403, "audit", "audit"),
        (200, "audit", "audit_reads"),
    ]
    # Not among those of the project.
    assert (await trail.asked())["reads"] == []
