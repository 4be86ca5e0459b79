"""Notes, as their specification publishes them, and each change in one that is found."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.notes import (
    COSIGNATURE,
    Checkpoint,
    ForgedSignature,
    MalformedNote,
    Note,
    cosigned,
    parse_checkpoint,
    parse_note,
    parse_signatures,
    parse_vkey,
    signed,
    signers,
    verifier_key,
)

# The example of the format's first implementation, and of its specification.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb"
    "6KE6RyyBwJnAM=\n"
)
SPECIFIED = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU"
    "0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
    "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CHECKPOINT = Checkpoint("recount/x/1", 204633, bytes(32))


def test_a_published_note_verifies_with_its_published_key() -> None:
    key = parse_vkey(VKEY)
    assert (key.name, key.id.hex(), key.text) == ("PeterNeumann", "c74f20a3", VKEY)
    assert signers(parse_note(NOTE), [key]) == [key]


@pytest.mark.parametrize("whole", [NOTE, SPECIFIED, COSIGNED])
def test_what_was_published_is_read_and_written_alike(whole: str) -> None:
    assert parse_note(whole).whole == whole


def test_the_published_checkpoint_is_read() -> None:
    note = parse_note(COSIGNED)
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == note.text
    # The witness signed at this second.
    assert int.from_bytes(note.signatures[1].signature[:8]) == 1679315147


def test_a_changed_text_is_a_forgery_and_a_key_that_is_not_named_is_passed_over() -> None:
    key = parse_vkey(VKEY)
    with pytest.raises(ForgedSignature) as forged:
        signers(parse_note(NOTE.replace("your problem is", "the problem is")), [key])
    assert forged.value.key == key
    assert signers(parse_note(SPECIFIED), [key]) == []


def test_what_is_signed_here_verifies_by_both_kinds_of_keys() -> None:
    log = verifier_key("recount/x/1", KEY)
    witness = verifier_key("witness.example/w1", OTHER, COSIGNATURE)
    note = Note(CHECKPOINT.text).with_more([signed(CHECKPOINT.text, log.name, KEY)])
    both = note.with_more([cosigned(CHECKPOINT.text, witness.name, OTHER, 1_700_000_000)])
    keys = [parse_vkey(log.text), parse_vkey(witness.text)]
    assert signers(parse_note(both.whole), keys) == keys
    assert both.with_more(both.signatures) == both
    moved = note.with_more([cosigned(CHECKPOINT.text, witness.name, KEY, 1_700_000_000)])
    assert signers(moved, keys) == keys[:1]


def test_the_time_of_a_cosignature_is_signed_too() -> None:
    witness = verifier_key("witness.example/w1", OTHER, COSIGNATURE)
    line = cosigned(CHECKPOINT.text, witness.name, OTHER, 1_700_000_000).line
    name, made = line.removeprefix("— ").split()
    changed = bytearray(base64.b64decode(made))
    changed[11] ^= 1
    forged = parse_signatures(f"— {name} {base64.b64encode(changed).decode()}\n")
    with pytest.raises(ForgedSignature):
        signers(Note(CHECKPOINT.text, forged), [witness])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a text\n",
        "a text\n\nno signature\n",
        "a text\n\n— name x08go\n",
        "a text\n\n— name AAAA",
        "a text\n\n— na+me x08go/ZJkuBS9UG/\n",
        "a\ttext\n\n— name x08go/ZJkuBS9UG/\n",
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n",
        "origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n007\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n7\nCsUY\n",
        "origin\n7\nno base64\n",
        "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
        VKEY.replace("+ARpc", "+AxPc"),
        VKEY[:-4],
        "PeterNeumann+c74f20a3",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_vkey(text)
