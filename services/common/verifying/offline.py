"""Verifies an archive of a project's facts, or what a subscriber stored of a stream, with no server
and no data folder:
python verify.py FILE [--key VKEY …] [--against CHECKPOINT-FILE …] [--reads READS-FILE] [--json]

FILE: as GET audit/export/ sent it, or CloudEvents as lines, as they came; `-`: standard input; a
name that ends with .gz: compressed. --key: a public key that you trust, `recount log-key show`
prints them. --against: a checkpoint that you kept elsewhere. --reads: the project's reads as lines,
exported after FILE (`recount audit export --reads`): each is held against the seals in FILE.

Exit code 0: it holds. 1: it does not, and the first entry where it does not is named. 2: the file
or an option can't be used. 3: it holds, and is signed by a key that you did not name.

This one file is the whole verifier: Python 3.11, its standard library, and `cryptography` for
signatures. It is meant to be read before it is believed.
"""

import argparse
import base64
import binascii
import contextlib
import gzip
import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, BinaryIO

HOLDS, BROKEN, UNUSABLE, UNKNOWN_KEY = 0, 1, 2, 3
CODES = (
    "missing",
    "reordered",
    "back_dated",
    "altered",
    "unexplained_erasure",
    "forked",
    "reads_altered",
    "forged",
)
PAYLOAD_ERASED = "audit.payload_erased.v1"
UNSEEN = (
    "Not seen by this: somebody who rewrote everything and has the log's key. A checkpoint that you"
    " kept elsewhere (--against), or a witness, shows that."
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


class Broken(Exception):
    """The first entry that does not hold. position, type: None where there is no such entry."""

    def __init__(
        self, code: str, sequence: int, position: int | None, type_: str | None, why: str
    ) -> None:
        place = f"sequence {sequence}"
        if position is not None:
            place += f", position {position}"
        if type_ is not None:
            place += f", {type_}"
        super().__init__(f"{code}: {place}: {why}")
        self.code, self.sequence, self.position, self.type = code, sequence, position, type_
        self.why = why


class Unusable(Exception):
    """The file or an option says nothing that could be verified."""


# The tree of RFC 9162 2.1.


class Tree:
    """size, nodes: the complete subtrees of the first `size` leaves, left to right."""

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size, self.nodes = size, list(nodes)

    def add(self, leaf: bytes) -> None:
        node, level = sha256(b"\0" + leaf).digest(), self.size
        while level & 1:
            node = sha256(b"\1" + self.nodes.pop() + node).digest()
            level >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.nodes:
            return sha256(b"").digest()
        *lefts, root = self.nodes
        for left in reversed(lefts):
            root = sha256(b"\1" + left + root).digest()
        return root


def consistent(old: int, new: int, before: bytes, after: bytes, proof: list[bytes]) -> bool:
    """Whether the tree of size `new` begins with that of size `old`; RFC 9162 2.1.4.2."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and before == after
    path = [before, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            was = sha256(b"\1" + sibling + was).digest()
            now = sha256(b"\1" + sibling + now).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            now = sha256(b"\1" + now + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and was == before and now == after


def included(leaf: bytes, index: int, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether the leaf is number `index`, from 0, of the tree; RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last = sha256(b"\0" + leaf).digest(), size - 1
    for sibling in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = sha256(b"\1" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


# Signed notes and checkpoints (C2SP).


class Key:
    """Of a vkey, `name+1a2b3c4d+AX…`; an Ed25519 key, the log's or a witness's."""

    def __init__(self, vkey: str) -> None:
        name, _, rest = vkey.strip().partition("+")
        said, _, encoded = rest.partition("+")
        key = _base64(encoded, f"the key {vkey}")
        if len(key) != 33 or key[0] not in (1, 4):
            raise Unusable(f"{vkey!r} is no Ed25519 key: name+1a2b3c4d+AX… is")
        self.vkey, self.name, self.kind, self.public = vkey.strip(), name, key[0], key[1:]
        self.id = sha256(name.encode() + b"\n" + key).digest()[:4]
        if self.id.hex() != said:
            raise Unusable(f"{vkey!r}: the id in it is another key's")

    def signed(self, text: str, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        message = text.encode()
        if self.kind == 4:
            at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Checkpoint:
    """origin, size, root; text: what is signed; signatures: (name, key's id, signature)."""

    def __init__(self, note: str, what: str) -> None:
        text, blank, lines = note.rpartition("\n\n")
        origin, size, root, *_ = [*text.split("\n"), "", ""]
        if not blank or not size.isdecimal() or not origin:
            raise Unusable(f"{what} is no checkpoint")
        self.text = f"{text}\n"
        self.origin, self.size, self.root = origin, int(size), _base64(root, what)
        self.signatures = []
        for line in lines.splitlines():
            spelled = _SIGNATURE.fullmatch(line)
            if spelled is None:
                raise Unusable(f"{what} has a line that is no signature: {line!r}")
            made = _base64(spelled[2], what)
            self.signatures.append((spelled[1], made[:4], made[4:]))

    def signers(self, keys: list[Key]) -> list[Key]:
        """Those of `keys` that signed it. Raises Broken for a signature that is none of theirs."""
        known = {(key.name, key.id): key for key in keys}
        found = []
        for name, key_id, signature in self.signatures:
            key = known.get((name, key_id))
            if key is None:
                continue
            if not key.signed(self.text, signature):
                raise Broken(
                    "forged", self.size, None, None, f"{name} did not sign this checkpoint"
                )
            found.append(key)
        return found


# The events.


class Event:
    """One line. payload: exactly as it is committed to; None: it was too large for its way here."""

    def __init__(self, line: bytes, number: int) -> None:
        start = line.find(b'"data":')
        try:
            if start < 0:
                told, self.payload = json.loads(line), None
            else:
                told = json.loads(line[: line.rindex(b",", 0, start)] + b"}")
                self.payload = line[start + 7 : line.rindex(b"}")]
            self.sequence, self.position = int(told["sequence"]), int(told["position"])
            self.version, self.type = told["streamversion"], told["type"]
            self.stream, self.project, self.id = told["streamid"], told["project"], told["id"]
            self.at = _microseconds(told["time"])
            self.salt = bytes.fromhex(told.get("salt", ""))
            self.previous = bytes.fromhex(told["previoushash"])
            self.commitment = bytes.fromhex(told["commitment"])
            self.hash = bytes.fromhex(told["hash"])
            cause = told.get("causationid")
            self.envelope = (
                f'[{self.position},"{self.stream}",{self.version:d},{_quoted(self.type)},{self.at},'
                f"{self.project},{self.sequence},{told['actor']},"
                f'"{told["operationid"]}","{told["correlationid"]}",'
                f"{'null' if cause is None else _quoted(cause)}]"
            ).encode()
        except (ValueError, KeyError, TypeError, AttributeError) as cause:
            raise Unusable(f"line {number} is no event: {type(cause).__name__}: {cause}") from cause

    def broken(self, code: str, why: str) -> Broken:
        return Broken(code, self.sequence, self.position, self.type, why)


def check(event: Event) -> None:
    """The event by itself: payload, envelope and commitment against its hash. Raises Broken."""
    payload = event.payload if event.salt else None
    if payload is not None and sha256(event.salt + payload).digest() != event.commitment:
        raise event.broken("altered", "the payload is not the one that was committed to")
    hashed = sha256(event.previous + event.envelope + event.commitment).digest()
    if hashed != event.hash or event.id != str(event.sequence):
        raise event.broken("altered", "its hash is not that of its envelope and commitment")


class Walk:
    """All events in their order, from the first on.

    after: the sequence behind which the file begins; None: a stored stream, which says so itself.
    sizes: of trees whose roots will be asked for. about_reads: the facts that a read trail is held
    against (sealed, expired and erased reads), in order, each with its payload.
    """

    def __init__(self, after: int | None, tree: Tree, sizes: set[int]) -> None:
        self.after, self.tree = after, tree
        self.sequence = after
        self.first: int | None = None
        self.link: bytes | None = bytes(32) if after == 0 else None
        self.position, self.at = 0, -1
        self.versions: dict[str, int] = {}
        self.erased: dict[int, Event] = {}
        self.told: dict[int, tuple[str, Event]] = {}
        self.about_reads: list[tuple[Event, dict[str, Any]]] = []
        self.sizes = sizes
        self.roots = {tree.size: tree.root()} if tree.size in sizes else {}

    def take(self, event: Event, rest: Iterable[Event]) -> None:
        """rest: the events behind it, for telling a gap from another order. Raises Broken."""
        self._in_order(event, rest)
        if event.at <= self.at:
            raise event.broken("back_dated", "its time does not come after that of the one before")
        if self.link is not None and event.previous != self.link:
            raise event.broken("altered", "it does not follow the entry before it")
        check(event)
        self._erasures(event)
        if self.sequence is None:
            self.after = event.sequence - 1
            if self.after:
                self.tree.size = -1
        self.sequence, self.position, self.at = event.sequence, event.position, event.at
        self.versions[event.stream] = event.version
        self.link = event.hash
        if self.tree.size >= 0:
            self.tree.add(event.hash)
            if self.tree.size in self.sizes:
                self.roots[self.tree.size] = self.tree.root()

    def _in_order(self, event: Event, rest: Iterable[Event]) -> None:
        expected = event.sequence if self.sequence is None else self.sequence + 1
        if event.sequence > expected:
            if any(later.sequence == expected for later in rest):
                raise event.broken("reordered", f"{expected} comes behind it")
            raise Broken("missing", expected, None, None, f"the next entry is {event.sequence}")
        if event.sequence < expected:
            raise event.broken("reordered", f"{expected} was to come")
        if event.position <= self.position:
            raise event.broken("reordered", "its position does not come after the one before")
        known = self.versions.get(event.stream)
        first = 1 if self.after == 0 and known is None else None
        wanted = first if known is None else known + 1
        if wanted is not None and event.version != wanted:
            raise event.broken("reordered", f"version {wanted} of its stream was to come")

    def _erasures(self, event: Event) -> None:
        if not event.salt:
            self.erased[event.sequence] = event
        if event.type.startswith("audit.") and event.salt and event.payload is not None:
            told = json.loads(event.payload)
            if event.type == PAYLOAD_ERASED and told.get("sequence") is not None:
                self.told[told["sequence"]] = (told.get("commitment"), event)
            if event.type.startswith("audit.reads_") or told.get("reads"):
                self.about_reads.append((event, told))

    def explain(self, event: Event) -> None:
        """A fact from beyond the file that tells of an erasure in it."""
        told = json.loads(event.payload or b"{}")
        if event.type != PAYLOAD_ERASED or not event.salt:
            raise event.broken("unexplained_erasure", "it tells of no erasure")
        self.told[told["sequence"]] = (told.get("commitment"), event)

    def check_erasures(self, *, stored: bool) -> list[int]:
        """Sequences that a stored stream still has, and that were erased since. Raises Broken."""
        kept = []
        after = self.after or 0
        for sequence in sorted(self.erased.keys() | self.told.keys()):
            event, (commitment, teller) = (
                self.erased.get(sequence),
                self.told.get(sequence, (None, None)),
            )
            if event is not None and commitment != event.commitment.hex():
                raise event.broken("unexplained_erasure", f"no {PAYLOAD_ERASED} tells of it")
            if event is None and sequence > after and teller is not None:
                if not stored:
                    why = f"sequence {teller.sequence} says that it was erased, and it is here"
                    raise Broken("unexplained_erasure", sequence, None, None, why)
                kept.append(sequence)
        return kept


# The trail of reads.

# The members of a read that are committed to, in this order, without the names of today.
_READ = (
    *("at", "actor", "surface", "what", "items", "insights", "as_of", "refresh", "status"),
    *("from_cache", "bytes", "ip", "client", "correlation_id"),
)
_NAMES_OF_TODAY = ("first_name", "email")


class Seals:
    """What the facts say of reads. first: the number that the first seal is to begin with, if the
    facts are there from their beginning.
    """

    def __init__(self, about: list[tuple[Event, dict[str, Any]]], first: int | None) -> None:
        self.expired = max((t["through"] for e, t in about if "expired" in e.type), default=0)
        self.erased = [tuple(span) for _, told in about for span in told.get("reads", ())]
        self.seals = [(event, told) for event, told in about if "sealed" in event.type]
        for event, told in self.seals:
            if first is not None and told["first"] != first:
                why = f"its seal begins with read {told['first']}, {first} was to come"
                raise event.broken("reads_altered", why)
            first = told["last"] + 1

    def check(self, lines: Iterable[bytes]) -> tuple[int, int]:
        """Reads that hold, and how many have no seal here yet. Raises Broken, Unusable."""
        rows = _reads(lines)
        row = next(rows, None)
        held = 0
        for event, told in self.seals:
            while row is not None and row["number"] < told["first"]:
                row = next(rows, None)
            if told["last"] <= self.expired:
                continue
            leaves = []
            for number in range(told["first"], told["last"] + 1):
                if row is None or row["number"] != number:
                    raise event.broken("reads_altered", f"read {number} is missing")
                leaves.append(self._commitment(event, row))
                row = next(rows, None)
            tree = Tree()
            for leaf in leaves:
                tree.add(leaf)
            if told["count"] != len(leaves) or told["root"] != tree.root().hex():
                why = f"reads {told['first']} to {told['last']} are not those that were sealed"
                raise event.broken("reads_altered", why)
            held += len(leaves)
        return held, (row is not None) + sum(1 for _ in rows)

    def _commitment(self, event: Event, row: dict[str, Any]) -> bytes:
        number, actor = row["number"], row["actor"]
        commitment = bytes.fromhex(row["commitment"])
        is_erased = any(first <= number <= last for first, last in self.erased)
        if (actor["type"] == "erased") != is_erased:
            why = (
                "is erased by a fact, and is here"
                if is_erased
                else "is erased, and no fact says so"
            )
            raise event.broken("reads_altered", f"read {number} {why}")
        if not is_erased:
            told = {name: row[name] for name in _READ}
            told["actor"] = {k: v for k, v in actor.items() if k not in _NAMES_OF_TODAY}
            # As facts have it: no fraction where that is zero.
            told["at"] = row["at"].replace(".000000Z", "Z")
            text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
            if sha256(bytes.fromhex(row["salt"]) + text.encode()).digest() != commitment:
                raise event.broken("reads_altered", f"read {number} is not what was committed to")
        return commitment


def _reads(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Those that have a number."""
    for line, text in enumerate(lines, 1):
        if text.strip():
            row = _object(text, line)
            if "number" not in row or "commitment" not in row:
                raise Unusable(f"line {line} of the reads is no read, with its commitment")
            if row["number"] is not None:
                yield row


# The file.


class Outcome:
    """What was found; status: the exit code."""

    def __init__(self) -> None:
        self.status = HOLDS
        self.entries = 0
        self.first = self.last = 0
        self.hash = ""
        self.origin = ""
        self.size = 0
        self.signed_by: list[str] = []
        self.against = 0
        self.reads: int | None = None
        self.notes: list[str] = []

    def lines(self) -> Iterator[str]:
        span = f"sequence {self.first:,} to {self.last:,}"
        yield f"{self.entries:,} entries hold, {span}, last hash {self.hash}"
        if self.origin:
            by = ", ".join(self.signed_by) or "nobody"
            yield f"Checkpoint {self.origin}, size {self.size:,}, signed by: {by}"
        if self.against:
            yield f"Held against {self.against} checkpoints that were kept elsewhere."
        yield from self.notes
        yield UNSEEN


def verify(
    lines: Iterable[bytes],
    keys: list[Key],
    against: list[Checkpoint],
    reads: Iterable[bytes] | None = None,
) -> Outcome:
    """reads: as lines, too, exported later than the facts. Raises Broken, Unusable."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    number, first = next(numbered, (0, b""))
    if not first:
        raise Unusable("there is nothing in it")
    head = _object(first, number)
    if "recount_export" in head:
        return _archive(head, numbered, keys, against, reads)
    if "specversion" not in head:
        raise Unusable("its first line is neither the head of an archive nor an event")
    return _stored(number, first, numbered, keys, against, reads)


def _archive(
    head: dict[str, Any],
    numbered: Iterator[tuple[int, bytes]],
    keys: list[Key],
    against: list[Checkpoint],
    reads: Iterable[bytes] | None,
) -> Outcome:
    if head["recount_export"] != 1:
        raise Unusable(f"an archive of form {head['recount_export']!r}: a newer verifier reads it")
    try:
        after, through = int(head["after"]), int(head["through"])
        tree = Tree(after, [bytes.fromhex(node) for node in head["tree"]])
        origin, own = str(head["origin"]), [Key(vkey) for vkey in head["keys"]]
    except (KeyError, TypeError, ValueError) as cause:
        raise Unusable(f"its first line is no head of an archive: {cause}") from cause
    if bin(after).count("1") != len(tree.nodes):
        raise Unusable("its head does not have the tree that it goes on from")
    for each in against:
        _of_this(each, origin, after, through)
    walk = Walk(after, tree, {each.size for each in against} | {through, after})
    tail, seen = None, 0
    for number, line in numbered:
        if line.startswith(b'{"checkpoint"'):
            tail = _object(line, number)
            break
        walk.take(_event(line, number, walk), _rest(numbered))
        seen += 1
    if walk.sequence != through or tail is None:
        wanted = (walk.sequence or 0) + 1
        raise Broken(
            "missing", wanted, None, None, f"the file ends before {through} and its checkpoint"
        )
    outcome = _outcome(walk, seen, reads)
    outcome.origin = origin
    signed = None
    if tail.get("checkpoint") is not None:
        signed = Checkpoint(tail["checkpoint"], "the file's checkpoint")
        if signed.origin != origin:
            raise Broken("forked", signed.size, None, None, f"a checkpoint of {signed.origin}")
        proof = [bytes.fromhex(node) for node in tail.get("consistency", ())]
        # The empty tree begins every other.
        if through and not consistent(
            through, signed.size, walk.roots[through], signed.root, proof
        ):
            why = f"the root of {through} entries does not lead to the checkpoint's"
            raise Broken("forked", through, walk.position or None, None, why)
        _explained(walk, tail, signed)
        outcome.size = signed.size
    elif through:
        raise Broken("missing", through + 1, None, None, "the file has no checkpoint")
    walk.check_erasures(stored=False)
    for each in against:
        if signed is not None and each.size == signed.size:
            if each.root != signed.root:
                raise Broken("forked", each.size, None, None, "your checkpoint has another root")
        elif signed is not None and through < each.size < signed.size:
            raise Unusable(f"the file ends at {through}, before your checkpoint of {each.size}")
        else:
            _compare(each, walk)
    outcome.against = len(against)
    _signatures(outcome, signed, keys, own, against)
    return outcome


def _stored(
    number: int,
    first: bytes,
    numbered: Iterator[tuple[int, bytes]],
    keys: list[Key],
    against: list[Checkpoint],
    reads: Iterable[bytes] | None,
) -> Outcome:
    event = Event(first, number)
    after = event.sequence - 1
    walk = Walk(0 if after == 0 else None, Tree(), {each.size for each in against})
    walk.take(event, _rest(numbered))
    seen = 1
    for number, line in numbered:
        walk.take(_event(line, number, walk), _rest(numbered))
        seen += 1
    for each in against:
        if after:
            raise Unusable("a stream that does not begin with sequence 1 has no root to compare")
        _of_this(each, each.origin, 0, walk.sequence or 0)
        _compare(each, walk)
    kept = walk.check_erasures(stored=True)
    outcome = _outcome(walk, seen, reads)
    outcome.against = len(against)
    if kept:
        named = ", ".join(map(str, kept[:10]))
        outcome.notes.append(f"Erased since, and still whole in this file: sequence {named}.")
    _signatures(outcome, None, keys, [], against)
    return outcome


def _outcome(walk: Walk, seen: int, reads: Iterable[bytes] | None) -> Outcome:
    outcome = Outcome()
    if reads is not None:
        held, unsealed = Seals(walk.about_reads, 1 if walk.after == 0 else None).check(reads)
        outcome.reads = held
        outcome.notes.append(f"{held:,} reads hold; {unsealed:,} have no seal in this file yet.")
    outcome.entries, outcome.last = seen, walk.sequence or 0
    outcome.first = outcome.last - seen + 1
    outcome.hash = (walk.link or bytes(32)).hex()
    return outcome


def _of_this(checkpoint: Checkpoint, origin: str, after: int, through: int) -> None:
    """Whether a checkpoint that was kept elsewhere can be held against the file."""
    if checkpoint.origin != origin:
        raise Unusable(f"a checkpoint of another log: {checkpoint.origin}, and this is {origin}")
    if checkpoint.size < after or checkpoint.size == 0:
        raise Unusable(
            f"a checkpoint of {checkpoint.size} entries can't be held against a file that begins"
            f" behind {after}: get one with after={checkpoint.size}, or from the beginning"
        )


def _compare(checkpoint: Checkpoint, walk: Walk) -> None:
    root = walk.roots.get(checkpoint.size)
    if root is None:
        last = walk.sequence or 0
        why = f"the file ends before the {checkpoint.size} entries of a checkpoint that you have"
        raise Broken("missing", last + 1, None, None, why)
    if root != checkpoint.root:
        why = f"the first {checkpoint.size} entries are not those of a checkpoint that you have"
        raise Broken("forked", checkpoint.size, None, None, why)


def _explained(walk: Walk, tail: dict[str, Any], signed: Checkpoint) -> None:
    """Erasures that came while the file was written, or after its last entry: each fact that tells
    of one is proved to be in the checkpoint's tree.
    """
    for told in tail.get("erasures", ()):
        line = str(told.get("event", "")).encode()
        event = Event(line, 0)
        check(event)
        proof = [bytes.fromhex(node) for node in told.get("proof", ())]
        if not included(event.hash, event.sequence - 1, signed.size, signed.root, proof):
            raise event.broken("forked", "it is not in the checkpoint's tree")
        walk.explain(event)


def _signatures(
    outcome: Outcome,
    signed: Checkpoint | None,
    keys: list[Key],
    own: list[Key],
    against: list[Checkpoint],
) -> None:
    known = [*keys, *(key for key in own if key.vkey not in {each.vkey for each in keys})]
    for each in against:
        each.signers(known)
    if signed is None:
        if keys:
            outcome.status = UNKNOWN_KEY
            outcome.notes.append("It holds, and nothing in it is signed.")
        return
    signers = signed.signers(known)
    outcome.signed_by = [key.vkey for key in signers]
    named = {key.vkey for key in keys}
    if keys and not any(key.vkey in named for key in signers):
        outcome.status = UNKNOWN_KEY
        outcome.notes.append("It holds, signed by a key you did not name.")
    elif not signers and signed.signatures:
        outcome.status = UNKNOWN_KEY
        outcome.notes.append("It holds, signed by a key you did not name, nor does the file.")
    elif not keys:
        outcome.notes.append("The file itself names its key: --key holds it against one you know.")


def _event(line: bytes, number: int, walk: Walk) -> Event:
    """Raises Broken: behind others, a line that is no event was one once."""
    try:
        return Event(line, number)
    except Unusable as cause:
        raise Broken("altered", (walk.sequence or 0) + 1, None, None, str(cause)) from cause


def _rest(numbered: Iterator[tuple[int, bytes]]) -> Iterator[Event]:
    for number, line in numbered:
        if not line.startswith(b'{"checkpoint"'):
            with contextlib.suppress(Unusable):
                yield Event(line, number)


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as cause:
        raise Unusable(f"line {number} is not JSON: {cause}") from cause
    if not isinstance(found, dict):
        raise Unusable(f"line {number} is no JSON object")
    return found


def _base64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as cause:
        raise Unusable(f"{what}: not base64") from cause


_seconds: dict[str, int] = {}
_names: dict[str, str] = {}


def _microseconds(text: str) -> int:
    """Since 1970; float seconds would lose the last digits."""
    spelled = _TIME.fullmatch(text)
    if spelled is None:
        raise ValueError(f"{text!r} is no time in UTC")
    seconds = _seconds.get(spelled[1])
    if seconds is None:
        at = datetime.strptime(spelled[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        seconds = _seconds[spelled[1]] = int(at.timestamp())
        if len(_seconds) > 10_000:
            _seconds.clear()
    return seconds * 1_000_000 + int((spelled[2] or "").ljust(6, "0"))


def _quoted(text: str) -> str:
    quoted = _names.get(text)
    if quoted is None:
        quoted = json.dumps(text, ensure_ascii=False)
        if len(_names) < 1_000:
            _names[text] = quoted
    return quoted


def _open(name: str) -> BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    if name.endswith(".gz"):
        return gzip.open(name, "rb")  # type: ignore[return-value]  # it reads lines as a file does
    return open(name, "rb")


def run(
    name: str,
    vkeys: Iterable[str] = (),
    against: Iterable[str] = (),
    as_json: bool = False,
    reads: str | None = None,
) -> int:
    """Verifies and prints; the exit code."""
    try:
        keys = [Key(vkey) for vkey in vkeys]
        kept = []
        for each in against:
            with open(each, encoding="utf-8") as file:
                kept.append(Checkpoint(file.read(), each))
        with _open(name) as lines, contextlib.ExitStack() as opened:
            trail = None if reads is None else opened.enter_context(_open(reads))
            outcome = verify(lines, keys, kept, trail)
    except Broken as broken:
        told = {"holds": False, "code": broken.code, "sequence": broken.sequence}
        told |= {"position": broken.position, "type": broken.type, "reason": broken.why}
        print(json.dumps(told) if as_json else f"does not hold: {broken}")
        return BROKEN
    except (Unusable, OSError, EOFError, UnicodeDecodeError) as cause:
        print(f"can't be verified: {cause}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        return UNUSABLE
    if as_json:
        print(json.dumps({"holds": True, **vars(outcome)}))
    else:
        print("\n".join(outcome.lines()))
    return outcome.status


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY")
    parser.add_argument("--against", action="append", default=[], metavar="CHECKPOINT-FILE")
    parser.add_argument("--reads", metavar="READS-FILE")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args(arguments)
    return run(given.file, given.key, given.against, given.as_json, given.reads)


if __name__ == "__main__":
    sys.exit(main())
