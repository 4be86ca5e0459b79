"""Each damage, on every fact, has its code and is named at its entry."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.chain import Entry
from contracts.notes import Checkpoint, Note, signed
from services.common.verifying import offline
from services.common.verifying.offline import Broken, Key
from tests.services.common.verifying.archives import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    VKEY,
    archive,
    history,
    note,
    redacted,
    rehashed,
    rewritten,
    stream,
)

LENGTH = 12
EVERY = range(LENGTH)


def code(lines: list[bytes], *against: str) -> tuple[str, int]:
    kept = [offline.Checkpoint(text, "kept") for text in against]
    with pytest.raises(Broken) as broken:
        offline.verify([line + b"\n" for line in lines], [Key(VKEY)], kept)
    return broken.value.code, broken.value.sequence


def damaged(place: int, entry: Entry) -> list[bytes]:
    """The archive of the history, one line of it replaced."""
    entries = history()
    lines = archive(entries)
    (lines[place + 1],) = stream([entry])
    return lines


@pytest.mark.parametrize("place", EVERY)
def test_an_altered_fact_is_named(place: int) -> None:
    whole = history()[place]
    for fields in (
        {"event": history(1)[0].event if place else history(2)[1].event},
        {"salt": bytes(range(16))},
        {"commitment": bytes(32)},
        {"hash": bytes(32)},
        {"name": "insight.described.v1"},
        {"operation_id": whole.stream_id},
    ):
        changed: dict[str, Any] = fields
        assert code(damaged(place, replace(whole, **changed))) == ("altered", place + 1)


@pytest.mark.parametrize("place", EVERY)
def test_a_fact_that_follows_another_hash_is_named(place: int) -> None:
    whole = history()[place]
    changed = rehashed(replace(whole, previous=b"\1" * 32))
    assert code(damaged(place, changed)) == ("altered", place + 1)


@pytest.mark.parametrize("place", EVERY)
def test_a_line_that_is_no_event_any_more_was_altered(place: int) -> None:
    lines = archive(history())
    lines[place + 1] = b"{" + lines[place + 1]
    assert code(lines) == ("altered", place + 1)


@pytest.mark.parametrize("place", EVERY)
def test_a_dropped_fact_is_missing(place: int) -> None:
    lines = archive(history())
    del lines[place + 1]
    assert code(lines) == ("missing", place + 1)


@pytest.mark.parametrize("place", range(LENGTH + 1))
def test_a_file_that_ends_early_lacks_what_follows(place: int) -> None:
    assert code(archive(history())[: place + 1]) == ("missing", place + 1)


@pytest.mark.parametrize("place", range(LENGTH - 1))
def test_swapped_neighbours_are_reordered(place: int) -> None:
    lines = archive(history())
    lines[place + 1], lines[place + 2] = lines[place + 2], lines[place + 1]
    assert code(lines) == ("reordered", place + 2)


@pytest.mark.parametrize("place", EVERY)
def test_a_fact_that_comes_twice_is_reordered(place: int) -> None:
    lines = archive(history())
    lines.insert(place + 1, lines[place + 1])
    assert code(lines) == ("reordered", place + 1)


@pytest.mark.parametrize("place", range(1, LENGTH))
def test_a_position_and_a_version_have_their_order_whatever_the_hashes_say(place: int) -> None:
    entries = history()
    moved = rewritten(entries, place, position=2 * place)
    assert code(archive(moved)) == ("reordered", place + 1)
    moved = rewritten(entries, place, version=9)
    assert code(archive(moved)) == ("reordered", place + 1)


@pytest.mark.parametrize("place", range(1, LENGTH))
def test_a_back_dated_fact_is_named_whatever_the_hashes_say(place: int) -> None:
    entries = history()
    dated = {"at": entries[place - 1].at}
    assert code(damaged(place, replace(entries[place], **dated))) == ("back_dated", place + 1)
    assert code(archive(rewritten(entries, place, **dated))) == ("back_dated", place + 1)


def test_the_first_fact_can_not_be_dated_back_without_its_hash() -> None:
    changed = replace(history()[0], at=datetime(2020, 1, 1, tzinfo=UTC))
    assert code(damaged(0, changed)) == ("altered", 1)


@pytest.mark.parametrize("place", EVERY)
def test_a_history_that_was_hashed_again_is_forked(place: int) -> None:
    entries = history()
    other = history(1)[0] if place else history(2)[1]
    changed = rewritten(entries, place, event=other.event, salt=other.salt)
    changed = rewritten(changed, place, commitment=other.commitment)
    assert code(archive(changed, checkpoint=note(entries))) == ("forked", LENGTH)
    # Signed again, by somebody who has the key: a checkpoint that was kept elsewhere knows.
    kept = note(entries[: place + 1])
    assert code(archive(changed), kept) == ("forked", place + 1)
    assert code(stream(changed), kept) == ("forked", place + 1)


@pytest.mark.parametrize("place", EVERY)
def test_an_erasure_that_nobody_told_is_named(place: int) -> None:
    gone = redacted(history()[place])
    assert code(damaged(place, gone)) == ("unexplained_erasure", place + 1)


@pytest.mark.parametrize("place", range(LENGTH - 1))
def test_an_erasure_that_was_told_and_not_done_is_named(place: int) -> None:
    entries = history(erased=place + 1)
    entries[place] = history()[place]
    assert code(archive(entries)) == ("unexplained_erasure", place + 1)


def test_a_signature_that_the_key_did_not_make_is_forged() -> None:
    entries = history()
    checkpoint = Checkpoint(ORIGIN, LENGTH, offline.Checkpoint(note(entries), "").root)
    made = signed(checkpoint.text, ORIGIN, OTHER_KEY)
    named = signed(checkpoint.text, ORIGIN, KEY)
    forged = Note(checkpoint.text, (replace(named, signature=made.signature),)).whole
    assert code(archive(entries, checkpoint=forged)) == ("forged", LENGTH)
    kept = note(entries[:5]).replace("\n5\n", "\n6\n")
    assert code(archive(entries), kept)[0] == "forked"


def test_a_log_that_is_shorter_than_a_checkpoint_that_was_kept_lacks_the_rest() -> None:
    entries = history()
    assert code(archive(entries[:9]), note(entries)) == ("missing", 10)
    assert code(stream(entries[:9]), note(entries)) == ("missing", 10)


def test_a_part_whose_tree_was_exchanged_is_forked() -> None:
    entries = history()
    lines = archive(entries, 5)
    node = json.loads(lines[0])["tree"][0].encode()
    head = lines[0].replace(node, b"0" * 64)
    assert code([head, *lines[1:]]) == ("forked", LENGTH)
    assert code(lines, note(rewritten(entries, 2, version=9)[:5])) == ("forked", 5)
