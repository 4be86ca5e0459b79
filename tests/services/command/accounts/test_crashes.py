"""A process that dies between saying and doing: nobody has more than the chain tells, and the same
write again ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from contracts.events.account import (
    KeyRevoked,
    MemberAdded,
    MemberRankChanged,
    MemberRemoved,
    ProjectCreated,
    UserErased,
)
from services.command.accounts.chains import Speaker
from services.command.accounts.service import AccountWrites
from services.common.accounts import administration
from services.common.accounts.administration import ProjectKeyReused, RequestKey
from services.common.log.store import NewReceipt
from tests.services.command.accounts.conftest import ADA, Books, Crash

ONCE = NewReceipt("first-start:user", b"h" * 32, 201)


async def died(books: Books, at: str, write: Callable[[AccountWrites], Awaitable[object]]) -> None:
    with pytest.raises(Crash):
        await write(books.writes(at))
    assert not any(each.untold for each in await books.differences())


@pytest.mark.parametrize("at", ["said", "done"])
async def test_a_rank_that_is_raised_is_said_first(books: Books, at: str) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    await died(books, at, lambda writes: writes.change_rank(user, ours, 15))
    assert (await books.said())[1:] == [MemberRankChanged(user, 15, 1)]
    level = await administration.level(books.pool, user, ours)
    assert level == (1 if at == "said" else 15)
    await books.writes().change_rank(user, ours, 15)
    assert (await books.said())[1:] == [MemberRankChanged(user, 15, 1)]
    assert await administration.level(books.pool, user, ours) == 15


@pytest.mark.parametrize("at", ["said", "done"])
async def test_a_rank_that_is_lowered_is_lowered_first(books: Books, at: str) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours, level=15)
    await died(books, at, lambda writes: writes.change_rank(user, ours, 1))
    assert await administration.level(books.pool, user, ours) == 1
    said = [MemberRankChanged(user, 1, 15)]
    assert (await books.said())[1:] == (said if at == "said" else [])
    await books.writes().change_rank(user, ours, 1)
    assert (await books.said())[1:] == said
    assert await books.differences() == []


@pytest.mark.parametrize("at", ["said", "done"])
async def test_a_key_is_dead_before_it_is_said(books: Books, at: str) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    key = await books.writes().create_key(user)
    await died(books, at, lambda writes: writes.revoke_key(key.id))
    assert await books.value("SELECT revoked_at FROM personal_api_keys") is not None
    await books.writes().revoke_key(key.id)
    assert (await books.said())[2:] == [KeyRevoked(key.id, user)]
    assert await books.differences() == []


@pytest.mark.parametrize("at", ["said", "done"])
async def test_who_is_removed_or_erased_is_so_after_a_second_try(books: Books, at: str) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    key = await books.writes().create_key(user)
    await died(books, at, lambda writes: writes.erase_user(user))
    await books.writes().erase_user(user)
    await died(books, at, lambda writes: writes.remove_member(user, ours))
    await books.writes().remove_member(user, ours)
    told = [KeyRevoked(key.id, user), UserErased(user), MemberRemoved(user)]
    assert (await books.said())[2:] == told
    assert await books.differences() == []


async def test_a_key_that_was_said_and_never_made_harms_nobody(books: Books) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    await died(books, "said", lambda writes: writes.create_key(user))
    assert await books.value("SELECT count(*) FROM personal_api_keys") == 0
    (orphan,) = await books.differences()
    assert (orphan.kind, orphan.told, orphan.there) == ("key", f"user {user}: *", None)
    again = await books.writes().create_key(user)
    assert again.id != orphan.id
    assert len(await books.differences()) == 1


@pytest.mark.parametrize("at", ["said", "done"])
async def test_a_first_start_goes_on_with_the_numbers_it_has_drawn(books: Books, at: str) -> None:
    ours = await books.organization()

    async def make(writes: AccountWrites) -> tuple[int, int]:
        user = await writes.add_member("me@example.com", ours, level=15, once=ONCE)
        project = NewReceipt("first-start:project", b"p" * 32, 201)
        return user, (await writes.create_project(ours, "Default", once=project)).id

    await died(books, at, make)
    if at == "done":
        await died(books, at, lambda writes: writes.create_project(
            ours, "Default", once=NewReceipt("first-start:project", b"p" * 32, 201)
        ))  # fmt: skip
    user, project = await make(books.writes())
    assert (user, project) == (1, 1)
    assert await books.said() == [MemberAdded(1, 15), ProjectCreated(1, "Default")]
    assert await books.differences() == []


@pytest.mark.parametrize("at", ["said", "done"])
async def test_a_request_under_its_key_makes_one_project(books: Books, at: str) -> None:
    ours = await books.organization()
    user = await books.writes().add_member("ada@example.com", ours)
    key = await books.writes().create_key(user)
    under = RequestKey(key.id, "retry-1", b"h" * 32)

    def make(writes: AccountWrites) -> Awaitable[object]:
        return writes.create_project(ours, "Shop", under=under)

    await died(books, at, make)
    both = [books.writes(), books.writes(speaker=Speaker(ADA.actor))]
    made = await asyncio.gather(
        *(writes.create_project(ours, "Shop", under=under) for writes in both)
    )
    assert {each.id for each in made} == {1}
    assert (await books.said())[2:] == [ProjectCreated(1, "Shop")]
    other = RequestKey(key.id, "retry-1", b"x" * 32)
    with pytest.raises(ProjectKeyReused):
        await books.writes().create_project(ours, "Other", under=other)


async def test_a_key_that_only_said_is_not_another_requests(books: Books) -> None:
    ours = await books.organization()
    key = await books.writes().create_key(await books.writes().add_member("ada@example.com", ours))
    await died(
        books,
        "said",
        lambda writes: writes.create_project(
            ours, "Shop", under=RequestKey(key.id, "retry-1", b"h" * 32)
        ),
    )
    other = RequestKey(key.id, "retry-1", b"x" * 32)
    with pytest.raises(ProjectKeyReused):
        await books.writes().create_project(ours, "Other", under=other)


async def test_a_fact_of_nobody_is_left_by_a_member_who_never_joined(books: Books) -> None:
    ours: UUID = await books.organization()
    await died(books, "said", lambda writes: writes.add_member("a@example.com", ours, level=8))
    (orphan,) = await books.differences()
    assert (orphan.kind, orphan.told, orphan.there, orphan.untold) == ("member", "8", None, False)
    joined = await books.writes().add_member("a@example.com", ours)
    assert (await books.said())[1:] == [MemberAdded(joined, 1)]
