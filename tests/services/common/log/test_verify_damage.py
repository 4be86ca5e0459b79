"""Each damage to any fact of a copied log is found in the database, with its code and its place."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import psycopg
import pytest

from contracts.chain import Entry, chained, envelope_of
from contracts.events.insight import InsightRenamed
from services.common.log.verify import HeadMoved, HistoryBroken
from services.common.proofs.holding import Held, NotAsSigned, held, kept_checkpoint
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from tests import servers
from tests.examples import created
from tests.services.projector.projecting import Projecting, insight, projecting
from tests.services.projector.proofs.growing import proofs

ENTRIES = 7
EVERY = range(1, ENTRIES + 1)
EARLY = 3
# Among those of project 1 there is one of project 2, at position 4.
OF_ONE = [1, 2, 3, 5, 6, 7]


@pytest.fixture(autouse=True)
def _ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two entries, so that each damage is at the beginning of one or at its end."""
    monkeypatch.setattr("services.common.log.proving.STEP", 2)


class Original:
    """A signed log that damages are tried on copies of. early: a checkpoint of its first three."""

    def __init__(self, url: str, early: str, newest: str) -> None:
        self.url = url
        self.early = early
        self.newest = newest


@pytest.fixture(scope="module")
async def original(
    databases: servers.Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Original]:
    files = KeyFiles(tmp_path_factory.mktemp("log") / "keys")
    with databases.migrated() as url:
        notes = []
        async with projecting(url) as projector:
            signer = Signer(projector.pool, "recount/test", files, apart=timedelta(0))
            await projector.append(created())
            await projector.append(InsightRenamed("a", ""))
            await projector.append(InsightRenamed("b", "a"))
            notes.append(await _signed(projector, signer))
            await projector.append(created(), of=insight(team_id=2))
            await projector.append(InsightRenamed("c", "b"))
            await projector.append(InsightRenamed("d", "c"))
            await projector.append(InsightRenamed("e", "d"))
            notes.append(await _signed(projector, signer))
        yield Original(url, *notes)


async def _signed(projector: Projecting, signer: Signer) -> str:
    await proofs(projector)
    await signer.sign()
    (row,) = await projector.rows(
        "SELECT note FROM signed_checkpoints WHERE team_id = 1 ORDER BY size DESC LIMIT 1"
    )
    note: str = row["note"]
    return note


@pytest.fixture
def copy(databases: servers.Databases, original: Original) -> Iterator[str]:
    with databases.copied(original.url) as url:
        yield url


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


async def verified(url: str, *kept: str) -> Held:
    *_, found = [step async for step in held(url, [kept_checkpoint(text, "") for text in kept])]
    assert isinstance(found, Held)
    return found


async def code(url: str, *kept: str) -> tuple[str, int | None]:
    try:
        await verified(url, *kept)
    except (HistoryBroken, HeadMoved, NotAsSigned) as broken:
        return broken.code, broken.sequence
    raise AssertionError("it holds")


def sequence(position: int) -> int:
    return 1 if position == 4 else position - (position > 4)


async def test_what_was_signed_and_what_was_kept_holds(original: Original) -> None:
    found = await verified(original.url, original.early, original.newest)
    assert (found.verification.entries, found.checkpoints) == (ENTRIES, 5)
    assert found.signed == {1: 6, 2: 1}


@pytest.mark.parametrize("position", EVERY)
async def test_every_fact_that_is_touched_is_named(copy: str, position: int) -> None:
    at = f"WHERE notification_id = {position}"
    place = sequence(position)
    for assignment, undone, expected in (
        (
            "state = state || ' '::bytea",
            "state = substring(state FOR length(state) - 1)",
            "altered",
        ),
        ("actor = actor || ' '", "actor = rtrim(actor)", "altered"),
        (
            "recorded_at = recorded_at - interval '1 day'",
            "recorded_at = recorded_at + interval '1 day'",
            "back_dated" if position > 1 else "altered",
        ),
        (
            "originator_version = originator_version + 50",
            "originator_version = originator_version - 50",
            "reordered",
        ),
    ):
        change(copy, f"UPDATE log SET {assignment} {at}")
        assert await code(copy) == (expected, place)
        change(copy, f"UPDATE log SET {undone} {at}")
    await verified(copy)
    change(copy, f"UPDATE log SET salt = '', state = '{{}}' {at}")
    assert await code(copy) == ("unexplained_erasure", place)


@pytest.mark.parametrize("position", EVERY)
async def test_every_fact_that_is_dropped_is_missing(copy: str, position: int) -> None:
    change(copy, f"DELETE FROM log WHERE notification_id = {position}")
    found, place = await code(copy)
    assert found == "missing"
    if position == ENTRIES:
        assert place == sequence(position)


@pytest.mark.parametrize("position", [2, 3, 5, 6])
async def test_swapped_neighbours_are_named(copy: str, position: int) -> None:
    """The numbers of two entries of one project are exchanged, and nothing else."""
    after = position + 1 if position != 3 else 5
    change(copy, *_exchanged("team_seq", sequence(position), sequence(after)))
    assert await code(copy) == ("reordered", sequence(after))
    change(copy, *_exchanged("team_seq", sequence(position), sequence(after)))
    await verified(copy)
    change(copy, *_exchanged("notification_id", position, after))
    assert (await code(copy))[0] == "reordered"


def _exchanged(column: str, one: int, other: int) -> list[str]:
    def moved(before: int, after: int) -> str:
        return f"UPDATE log SET {column} = {after} WHERE team_id = 1 AND {column} = {before}"

    return [moved(one, 99), moved(other, one), moved(99, other)]


@pytest.mark.parametrize("position", OF_ONE)
async def test_a_history_that_was_hashed_again_from_there_on_is_forked(
    copy: str, original: Original, position: int
) -> None:
    await _hashed_again(copy, position)
    assert await code(copy) == ("forked", EARLY if position <= EARLY else 6)
    # Whoever deletes what was signed here, too, meets what was kept elsewhere.
    change(copy, "DELETE FROM signed_checkpoints")
    await verified(copy)
    assert await code(copy, original.newest) == ("forked", 6)


async def _hashed_again(url: str, position: int) -> None:
    async with projecting(url) as projector:
        entries: list[Entry] = await projector.store.project_entries(1, 0)
        previous = bytes(32)
        for entry in entries:
            actor = entry.actor
            if entry.position == position:
                actor = type(actor)(b'{"type":"system"}')
            made = Entry(**{name: getattr(entry, name) for name in entry.__struct_fields__})
            if entry.position >= position:
                made = _of(made, previous, actor)
            previous = made.hash
            await projector.execute(
                "UPDATE log SET hash = %s, actor = %s WHERE notification_id = %s",
                made.hash,
                bytes(made.actor).decode(),
                made.position,
            )
        await projector.execute("UPDATE log_heads SET hash = %s WHERE team_id = 1", previous)


def _of(entry: Entry, previous: bytes, actor: object) -> Entry:
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__}
    moved = Entry(**(fields | {"previous": previous, "actor": actor}))
    proof = chained(previous, envelope_of(moved), moved.commitment)
    return Entry(**(fields | {"previous": previous, "actor": actor, "hash": proof}))


async def test_a_log_that_was_cut_short_lacks_what_was_signed(
    copy: str, original: Original
) -> None:
    change(
        copy,
        "DELETE FROM log WHERE notification_id > 5",
        "UPDATE log_heads SET seq = 4, hash = (SELECT hash FROM log WHERE notification_id = 5)"
        " WHERE team_id = 1",
    )
    assert await code(copy) == ("missing", 6)
    change(copy, "DELETE FROM signed_checkpoints WHERE size = 6")
    await verified(copy, original.early)
    assert await code(copy, original.newest) == ("missing", 6)


async def test_a_signature_that_the_log_s_key_did_not_make_is_forged(copy: str) -> None:
    change(
        copy,
        "UPDATE signed_checkpoints SET note = regexp_replace(note, '[A-Za-z0-9+/]{4}=\\n$',"
        " 'AAAA=' || chr(10)) WHERE size = 3",
    )
    found, size = await code(copy)
    assert (found, size) == ("forged", 3)
