"""What is done to accounts is said in their organization's chain: each kind of fact, by whom, and
once.
"""

import asyncio
from uuid import UUID

import pytest

from contracts.events.account import (
    KeyCreated,
    KeyRevoked,
    MemberAdded,
    MemberRankChanged,
    MemberRemoved,
    ProjectCreated,
    UserErased,
)
from contracts.events.recorded import SystemActor
from services.command.accounts.chains import SYSTEM, Chains
from services.command.accounts.service import AccountWrites
from services.common.accounts import administration
from services.common.accounts.accounts import Accounts
from tests import waiting
from tests.services.command.accounts.conftest import ADA, Books


async def test_each_write_is_said_in_the_organizations_chain(books: Books) -> None:
    ours, writes = await books.organization(), books.writes()
    user = await writes.add_member("ada@example.com", ours, first_name="Ada", level=15)
    project = await writes.create_project(ours, "Shop")
    key = await writes.create_key(user, label="Wall", scopes=["insight:read"])
    renewed = await writes.renew_key(
        "demo", user, label="Demo", scopes=["insight:write"], team_ids=[project.id]
    )
    await writes.change_rank(user, ours, 8)
    assert await writes.revoke_key(key.id)
    await writes.erase_user(user)
    await writes.remove_member(user, ours)
    assert await books.said() == [
        MemberAdded(user, 15),
        ProjectCreated(project.id, "Shop"),
        KeyCreated(key.id, user, ("insight:read",), "Wall"),
        KeyCreated("demo", user, ("insight:write",), "Demo"),
        MemberRankChanged(user, 8, previous=15),
        KeyRevoked(key.id, user),
        KeyRevoked("demo", user),
        UserErased(user),
        MemberRemoved(user),
    ]
    facts = await books.facts()
    assert {(fact.actor, fact.operation_id, fact.team_id) for fact in facts} == {
        (ADA.actor, ADA.operation_id, -1)
    }
    assert [fact.team_seq for fact in facts] == list(range(1, 10))
    assert renewed.id == "demo"
    assert await books.differences() == []


async def test_chains_count_down_one_for_each_organization(books: Books) -> None:
    ours, theirs = await books.organization(), await books.organization("Theirs")
    ada = await books.writes().add_member("ada@example.com", ours)
    await books.writes().add_member("bob@example.com", theirs)
    key = await books.writes().create_key(ada)
    assert await books.value("SELECT chain FROM organizations WHERE id = %s", theirs) == -2
    assert len(await books.said(-1)) == 2
    # Who joins a second organization brings the keys that open it from then on.
    await books.writes().add_member("ada@example.com", theirs, level=8)
    told = KeyCreated(key.id, ada, ("*",), "API key")
    assert (await books.said(-2))[1:] == [MemberAdded(ada, 8), told]
    await books.writes().revoke_key(key.id)
    for chain in (-1, -2):
        assert (await books.said(chain))[-1] == KeyRevoked(key.id, ada)
    assert await books.differences() == []


async def test_who_is_a_member_already_stays_as_they_are(books: Books) -> None:
    ours, writes = await books.organization(), books.writes()
    user = await writes.add_member("ada@example.com", ours, level=8)
    assert await writes.add_member("ada@example.com", ours, level=1) == user
    await writes.change_rank(user, ours, 8)
    await writes.change_rank(99, ours, 8)
    assert not await writes.revoke_key("none")
    assert await books.said() == [MemberAdded(user, 8)]
    assert await books.value("SELECT level FROM organization_members") == 8


async def test_a_revoked_key_is_revoked_once_and_a_demo_key_anew_each_time(books: Books) -> None:
    ours, writes = await books.organization(), books.writes()
    user = await writes.add_member("ada@example.com", ours)
    for _ in range(2):
        await writes.renew_key("demo", user, label="", scopes=["*"], team_ids=[])
        await writes.renew_key("demo", user, label="", scopes=["*"], team_ids=[])
        assert await writes.revoke_key("demo")
        assert await writes.revoke_key("demo")
    told = [KeyCreated("demo", user, ("*",), ""), KeyRevoked("demo", user)]
    assert (await books.said())[1:] == told * 2


async def test_what_is_older_than_its_chain_is_told_first_by_the_system(books: Books) -> None:
    """A data folder of before, or accounts that somebody made by hand."""
    ours = (await administration.create_organization(books.pool, "Ours")).id
    (await administration.create_organization(books.pool, "Nobody's"))
    user = await administration.create_user(books.pool, "ada@example.com", ours, level=15)
    shop = await administration.create_project(books.pool, ours, "Shop")
    live = await administration.create_key(books.pool, user, label="Live")
    dead = await administration.create_key(books.pool, user)
    await administration.revoke_key(books.pool, dead.id)
    assert await books.differences() == []
    both = [Chains(books.pool, books.store) for _ in range(2)]
    await asyncio.gather(*(chains.begin_all() for chains in both))
    begun = [
        MemberAdded(user, 15),
        KeyCreated(live.id, user, ("*",), "Live"),
        ProjectCreated(shop.id, "Shop"),
    ]
    assert await books.said() == begun
    assert {fact.actor for fact in await books.facts()} == {SystemActor()}
    await AccountWrites(books.chains).revoke_key(live.id)
    assert await books.said() == [*begun, KeyRevoked(live.id, user)]
    assert await books.differences() == []


async def test_the_first_write_begins_a_chain_that_nobody_has_begun(books: Books) -> None:
    ours = (await administration.create_organization(books.pool, "Ours")).id
    user = await administration.create_user(books.pool, "ada@example.com", ours)
    await books.writes().change_rank(user, ours, 15)
    first, second = await books.facts()
    assert (first.event, first.actor) == (MemberAdded(user, 1), SYSTEM.actor)
    assert (second.event, second.actor) == (MemberRankChanged(user, 15, 1), ADA.actor)


async def test_many_writes_at_once_are_all_said_and_done(books: Books) -> None:
    """From two processes, on one pool: neither do they wait for each other's connections."""
    ours = await books.organization()
    others = Chains(books.pool, books.store)
    user = await books.writes().add_member("ada@example.com", ours)

    async def one(number: int) -> None:
        writes = AccountWrites(others if number % 2 else books.chains)
        await writes.add_member(f"{number % 5}@example.com", ours)
        await writes.change_rank(user, ours, (1, 8, 15)[number % 3])
        await writes.revoke_key((await writes.create_key(user)).id)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert await books.value("SELECT count(*) FROM organization_members") == 6
    assert len(await books.said()) >= 6 + 40
    assert await books.differences() == []


async def test_a_revoked_key_is_forgotten_by_who_remembers_it(
    books: Books, postgres_url: str
) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    issued = await books.writes().create_key(user)
    accounts = Accounts(books.pool, postgres_url)
    async with accounts.listening():
        assert await accounts.key(issued.key) is not None
        await books.writes().revoke_key(issued.id)
        await waiting.seen(lambda: accounts.key(issued.key), lambda key: key is None)


async def test_an_organization_that_is_not_there_is_no_chain(books: Books) -> None:
    with pytest.raises(LookupError, match=str(UUID(int=1))):
        await books.writes().create_project(UUID(int=1), "Shop")
