"""Witnesses cosign what grows, are asked again when they are away, and refuse another history."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.merkle import EMPTY_ROOT
from contracts.notes import Checkpoint, parse_note, signers
from services.common.proofs.checkpoints import SignedCheckpoint, log_keys, newest
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.signer import Signer
from services.projector.proofs.witnesses import Witnessing, parse_witnesses
from tests.examples import TEAM
from tests.services.projector.projecting import Projecting
from tests.services.projector.proofs.test_signer import ORIGIN, grow
from tests.services.projector.proofs.witness import TestWitness, witnessing

AT_ONCE = timedelta(0)


@pytest.fixture
def witness() -> Iterator[TestWitness]:
    with witnessing() as opened:
        yield opened


@pytest.fixture
async def signer(projector: Projecting, tmp_path: Path, witness: TestWitness) -> Signer:
    """One fact is in the tree, and signed; the witness trusts the key."""
    made = Signer(projector.pool, ORIGIN, KeyFiles(tmp_path / "keys"), apart=AT_ONCE)
    await grow(projector)
    await made.sign()
    witness.keys = await log_keys(projector.pool)
    return made


def asking(projector: Projecting, witness: TestWitness) -> Witnessing:
    return Witnessing(projector.pool, witness.witness, apart=AT_ONCE, again=AT_ONCE)


async def signed(projector: Projecting) -> SignedCheckpoint:
    found = await newest(projector.pool, TEAM)
    assert found is not None
    return found


async def test_a_cosignature_stands_below_the_note_and_keeps_it(
    projector: Projecting, signer: Signer, witness: TestWitness
) -> None:
    one = asking(projector, witness)
    await one.ask()
    found = await signed(projector)
    (key,) = witness.keys
    keys = [key.named(found.origin), witness.witness.key]
    assert signers(parse_note(found.note), keys) == keys
    assert found.witnesses == 1
    assert await projector.rows("SELECT kept FROM signed_checkpoints") == [{"kept": True}]
    await one.ask()
    await grow(projector, "a")
    await grow(projector, "b")
    await signer.sign()
    await one.ask()
    assert witness.answers == [(0, 200), (1, 200)]
    assert (await signed(projector)).witnesses == 1
    assert witness.seen[found.origin].size == 3


async def test_a_witness_that_knows_an_earlier_tree_says_so_and_gets_the_proof_from_there(
    projector: Projecting, signer: Signer, witness: TestWitness
) -> None:
    first = await signed(projector)
    witness.seen[first.origin] = Checkpoint(first.origin, 1, first.root)
    await grow(projector, "a")
    await signer.sign()
    await asking(projector, witness).ask()
    assert witness.answers == [(0, 409), (1, 200)]
    assert (await signed(projector)).witnesses == 1


@pytest.mark.parametrize("size", [1, 7])
async def test_a_witness_that_has_seen_another_history_refuses_this_one(
    projector: Projecting, signer: Signer, witness: TestWitness, size: int
) -> None:
    await grow(projector, "a")
    await signer.sign()
    origin = (await signed(projector)).origin
    witness.seen[origin] = Checkpoint(origin, size, EMPTY_ROOT)
    one = asking(projector, witness)
    await one.ask()
    assert witness.answers == [(0, 409), *([(1, 422)] if size == 1 else [])]
    assert list(one.refused) == [TEAM]
    assert (await signed(projector)).witnesses == 0


async def test_a_witness_that_is_away_is_asked_again_later(
    projector: Projecting, signer: Signer, witness: TestWitness
) -> None:
    witness.away = True
    patient = Witnessing(projector.pool, witness.witness, apart=AT_ONCE, again=timedelta(hours=1))
    await patient.ask()
    await patient.ask()
    assert witness.answers == [(0, 503)]
    witness.away = False
    await asking(projector, witness).ask()
    assert (await signed(projector)).witnesses == 1


async def test_a_cosignature_by_another_key_is_not_taken(
    projector: Projecting, signer: Signer, witness: TestWitness
) -> None:
    named = witness.witness
    witness.name = "witness.example/w2"
    await Witnessing(projector.pool, named, apart=AT_ONCE, again=AT_ONCE).ask()
    assert witness.answers == [(0, 200)]
    assert (await signed(projector)).witnesses == 0


async def test_what_nobody_signed_is_shown_to_no_witness(
    projector: Projecting, witness: TestWitness
) -> None:
    await grow(projector)
    await Signer(projector.pool, ORIGIN, None, apart=AT_ONCE).sign()
    await asking(projector, witness).ask()
    assert witness.answers == []


def test_witnesses_are_spelled_as_key_and_url(witness: TestWitness) -> None:
    spelled = f"{witness.vkey} https://one.example/a/; {witness.vkey} http://two.example;"
    assert [each.url for each in parse_witnesses(spelled)] == [
        "https://one.example/a",
        "http://two.example",
    ]
    assert parse_witnesses("") == []
    for wrong in ("w1 https://one.example", witness.vkey, f"{witness.vkey} ftp://one.example"):
        with pytest.raises(ValueError, match=r"."):
            parse_witnesses(wrong)
