"""The verifier that is one file: what was exported holds, and every damage has its code."""

import json
from pathlib import Path

import pytest

from contracts.chain import Entry
from services.common.verifying import offline
from services.common.verifying.offline import Broken, Checkpoint, Key, Outcome, Unusable
from tests.services.common.verifying.archives import (
    OTHER_VKEY,
    VKEY,
    archive,
    history,
    note,
    stream,
)


def verified(
    lines: list[bytes], keys: tuple[str, ...] = (VKEY,), against: tuple[str, ...] = ()
) -> Outcome:
    kept = [Checkpoint(text, "a checkpoint") for text in against]
    return offline.verify([line + b"\n" for line in lines], [Key(key) for key in keys], kept)


def test_a_whole_archive_holds_and_says_by_whom_it_is_signed() -> None:
    entries = history()
    outcome = verified(archive(entries))
    assert (outcome.status, outcome.entries, outcome.first, outcome.last) == (0, 12, 1, 12)
    assert (outcome.hash, outcome.size) == (entries[-1].hash.hex(), 12)
    assert outcome.signed_by == [VKEY]
    assert "has the log's key" in list(outcome.lines())[-1]


@pytest.mark.parametrize(("after", "through"), [(0, 7), (5, 12), (5, 7), (7, 7), (12, 12), (0, 0)])
def test_a_part_holds_by_the_tree_it_goes_on_from(after: int, through: int) -> None:
    outcome = verified(archive(history(), after, through))
    assert (outcome.status, outcome.entries) == (0, through - after)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_a_stored_stream_holds_from_wherever_it_begins(first: int) -> None:
    entries = history()
    outcome = verified(stream(entries[first:]), keys=())
    assert (outcome.status, outcome.last, outcome.hash) == (0, 12, entries[-1].hash.hex())


def test_checkpoints_that_were_kept_elsewhere_hold() -> None:
    entries = history()
    kept = tuple(note(entries[:size]) for size in (1, 5, 12))
    assert verified(archive(entries), against=kept).against == 3
    assert verified(stream(entries), keys=(), against=kept).against == 3
    assert verified(archive(entries, 5), against=kept[1:]).against == 2


def test_another_key_than_the_one_that_was_named_is_told() -> None:
    lines = archive(history())
    assert verified(lines, keys=()).status == 0
    assert verified(lines, keys=(OTHER_VKEY,)).status == 3
    unnamed = archive(history(), keys=())
    assert verified(unnamed, keys=()).status == 3
    unsigned = archive(history(), checkpoint=note(history(), None))
    assert verified(unsigned, keys=()).status == 0
    assert verified(unsigned).status == 3


def test_an_erasure_that_is_told_holds_in_archives_and_streams() -> None:
    entries = history(erased=4)
    assert verified(archive(entries)).status == 0
    assert verified(stream(entries), keys=()).status == 0


def test_a_subscriber_that_has_what_was_erased_since_hears_of_it() -> None:
    whole = history()
    entries = history(erased=4)
    entries[3] = whole[3]
    outcome = verified(stream(entries), keys=())
    assert (outcome.status, outcome.notes) == (
        0,
        ["Erased since, and still whole in this file: sequence 4."],
    )
    with pytest.raises(Broken) as broken:
        verified(archive(entries))
    assert (broken.value.code, broken.value.sequence) == ("unexplained_erasure", 4)


def test_keys_that_read_the_same_twice_are_not_confused() -> None:
    assert Key(VKEY).vkey == VKEY
    for wrong in (VKEY[:-4], VKEY.replace("+", "+0", 1), "no key"):
        with pytest.raises(Unusable):
            Key(wrong)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "nothing in it"),
        ([b"[]"], "no JSON object"),
        ([b"hello"], "not JSON"),
        ([b'{"a": 1}'], "neither"),
        ([b'{"recount_export": 2}'], "newer"),
        ([b'{"recount_export": 1}'], "no head"),
    ],
)
def test_what_is_no_archive_is_unusable(lines: list[bytes], said: str) -> None:
    with pytest.raises(Unusable, match=said):
        verified(lines)


def test_a_checkpoint_that_can_not_be_held_against_the_file_is_no_verdict() -> None:
    entries = history()
    other = note(entries).replace("/1\n", "/2\n")
    with pytest.raises(Unusable, match="another log"):
        verified(archive(entries), against=(other,))
    with pytest.raises(Unusable, match="begins behind 5"):
        verified(archive(entries, 5), against=(note(entries[:4]),))
    with pytest.raises(Unusable, match="before your checkpoint"):
        verified(archive(entries, 0, 7), against=(note(entries[:9]),))
    with pytest.raises(Unusable, match="does not begin with sequence 1"):
        verified(stream(entries[3:]), keys=(), against=(note(entries),))


def test_exit_codes_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, kept = tmp_path / "facts.ndjson", tmp_path / "checkpoint"

    def written(entries: list[Entry]) -> str:
        file.write_bytes(b"\n".join(archive(entries)) + b"\n")
        return str(file)

    entries = history()
    kept.write_text(note(entries[:5]))
    name = written(entries)
    assert offline.main([name, "--key", VKEY, "--against", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 12
    assert offline.main([name, "--key", OTHER_VKEY]) == 3
    assert "a key you did not name" in capsys.readouterr().out
    assert offline.main([str(tmp_path / "none")]) == 2
    assert offline.main([name, "--key", "none"]) == 2
    capsys.readouterr()
    file.write_bytes(file.read_bytes().replace("№ 3".encode(), "№ 4".encode()))
    assert offline.main([name, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["sequence"], told["position"]) == ("altered", 3, 6)
    assert told["type"] == "insight.renamed.v1"
