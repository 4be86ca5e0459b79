"""Signed notes, and the checkpoints of a Merkle tree as such notes (C2SP signed-note,
tlog-checkpoint and tlog-cosignature); Ed25519 only.

A note is a text and who signed it:

    recount/6b1c…/1
    204633
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — recount/6b1c…/1 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDe…
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.merkle import HASH_BYTES

# The byte that stands before a public key: how its owner signs.
ED25519: Literal[1] = 1
COSIGNATURE: Literal[4] = 4
Algorithm = Literal[1, 4]

_KEY_BYTES = 32
_ID_BYTES = 4
_TIME_BYTES = 8

_NAME = r"[^\s+]+"
_LINE = re.compile(rf"— (?P<name>{_NAME}) (?P<signature>[A-Za-z0-9+/]+={{0,2}})")
_VKEY = re.compile(rf"(?P<name>{_NAME})\+(?P<id>[0-9a-f]{{8}})\+(?P<key>[A-Za-z0-9+/]+={{0,2}})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class MalformedNote(ValueError):
    """A text that is no note, no checkpoint or no key."""


class ForgedSignature(ValueError):
    """A signature in the name of a known key that the key did not make."""

    def __init__(self, key: "VerifierKey") -> None:
        super().__init__(f"{key.name} did not sign this")
        self.key = key


class VerifierKey(msgspec.Struct, frozen=True):
    """Who may sign: a name, and the public key behind it."""

    name: str
    public: bytes
    algorithm: Algorithm = ED25519

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[
            :_ID_BYTES
        ]

    @property
    def text(self) -> str:
        """The vkey: `name+1a2b3c4d+AX…`."""
        key = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"


class Signature(msgspec.Struct, frozen=True):
    """A line below a note. signature: without the key's id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


class Note(msgspec.Struct, frozen=True):
    """text: ends with a line break; it may hold empty lines."""

    text: str
    signatures: tuple[Signature, ...] = ()

    @property
    def whole(self) -> str:
        """As it is published. Without signatures it is no note that others could read."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"

    def with_more(self, signatures: Iterable[Signature]) -> "Note":
        """The note with those that it does not have yet."""
        more = [one for one in signatures if one not in self.signatures]
        return Note(self.text, (*self.signatures, *more))


class Checkpoint(msgspec.Struct, frozen=True):
    """The root of a tree at one size. origin: which tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_note(whole: str) -> Note:
    """Of a published note, signed or not. Raises MalformedNote."""
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or _has_control_characters(whole):
        raise MalformedNote("a note is a text, an empty line and signatures")
    return Note(f"{text}\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Of lines of signatures, each with its line break. Raises MalformedNote."""
    if lines and not lines.endswith("\n"):
        raise MalformedNote("a note ends with a line break")
    return tuple(map(_signature, lines.split("\n")[:-1]))


def parse_checkpoint(text: str) -> Checkpoint:
    """Of a note's text; lines beyond the third are passed over. Raises MalformedNote."""
    origin, size, root, *_ = [*text.split("\n"), "", ""]
    decoded = _decoded(root)
    if not origin or not _SIZE.fullmatch(size) or len(decoded) != HASH_BYTES:
        raise MalformedNote("a checkpoint is an origin, a size and a root of 32 bytes")
    return Checkpoint(origin, int(size), decoded)


def parse_vkey(text: str) -> VerifierKey:
    """Raises MalformedNote."""
    spelled = _VKEY.fullmatch(text)
    key = _decoded(spelled["key"]) if spelled is not None else b""
    if spelled is None or len(key) != 1 + _KEY_BYTES or key[0] not in (ED25519, COSIGNATURE):
        raise MalformedNote(f"{text!r} is no Ed25519 key: name+1a2b3c4d+AX… is")
    algorithm: Algorithm = ED25519 if key[0] == ED25519 else COSIGNATURE
    found = VerifierKey(spelled["name"], key[1:], algorithm)
    if found.id.hex() != spelled["id"]:
        raise MalformedNote(f"{text!r}: the id is not this key's")
    return found


def verifier_key(name: str, key: Ed25519PrivateKey, algorithm: Algorithm = ED25519) -> VerifierKey:
    return VerifierKey(name, key.public_key().public_bytes_raw(), algorithm)


def signed(text: str, name: str, key: Ed25519PrivateKey) -> Signature:
    """The signature of a note's text."""
    return Signature(name, verifier_key(name, key).id, key.sign(text.encode()))


def cosigned(text: str, name: str, key: Ed25519PrivateKey, at: int) -> Signature:
    """A witness's signature of a checkpoint. at: seconds since 1970."""
    message = key.sign(_cosigned_message(text, at))
    return Signature(
        name, verifier_key(name, key, COSIGNATURE).id, at.to_bytes(_TIME_BYTES) + message
    )


def signers(note: Note, keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    """Those of `keys` that signed the note; other signatures are passed over.

    Raises ForgedSignature.
    """
    known = {(key.name, key.id): key for key in keys}
    found = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            _check(note.text, key, signature)
            found.append(key)
    return found


def _check(text: str, key: VerifierKey, signature: Signature) -> None:
    message, made = text.encode(), signature.signature
    if key.algorithm == COSIGNATURE:
        message = _cosigned_message(text, int.from_bytes(made[:_TIME_BYTES]))
        made = made[_TIME_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(made, message)
    except InvalidSignature as cause:
        raise ForgedSignature(key) from cause


def _cosigned_message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _signature(line: str) -> Signature:
    spelled = _LINE.fullmatch(line)
    made = _decoded(spelled["signature"]) if spelled is not None else b""
    if spelled is None or len(made) <= _ID_BYTES:
        raise MalformedNote(f"{line!r} is no signature")
    return Signature(spelled["name"], made[:_ID_BYTES], made[_ID_BYTES:])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as cause:
        raise MalformedNote(f"{text!r} is not base64") from cause


def _has_control_characters(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)
