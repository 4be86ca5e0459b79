"""A range of the log, proved by itself: so that ranges can be proved side by side.

An entry's hash needs no more than the stored hash before it. What a range can't know, its neighbour
does: how its first entries continue their chains, streams and times; so it tells how it begins.

Nothing is made of a row that the proof does not need: this is the log's fastest reader.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import LiteralString, NoReturn

import psycopg
from msgspec import Struct, field

from contracts.chain import HASH_BYTES, PAYLOAD_ERASED
from services.common.log.verify import What

FETCH = 2_000

_ROWS: LiteralString = """
    SELECT notification_id, originator_id::text, originator_version, topic,
        (extract(epoch FROM recorded_at) * 1000000)::bigint, team_id, team_seq, actor,
        operation_id::text, correlation_id::text, causation_id::text, state, salt, commitment, hash,
        origin_position
    FROM log WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"""

_HASH: LiteralString = "SELECT hash FROM log WHERE team_id = %s AND team_seq = %s"

Row = tuple[
    int, str, int, str, int, int, int, str, str, str, str | None, bytes, bytes, bytes, bytes,
    int | None,
]  # fmt: skip
"""A row of _ROWS."""
HashOf = Callable[[int, int], bytes | None]
"""The stored hash of a project's entry, by project and sequence; None: it is not there."""


class RangeAsked(Struct, frozen=True):
    """Positions first … last, as a transaction's snapshot has them.

    sizes: project -> sizes of its tree whose roots are wanted, ascending.
    """

    url: str
    snapshot: str
    first: int
    last: int
    sizes: Mapping[int, Sequence[int]]


class Place(Struct, frozen=True):
    """An entry. name: its stored name."""

    position: int
    team_id: int
    team_seq: int
    name: str


class RangeBroken(Struct, frozen=True):
    """The first entry of a range that does not hold. position: where it should be."""

    what: What
    position: int
    place: Place


class ChainSpan(Struct):
    """A project's entries in a range. before: the hash that the first of them was held against.

    pieces: the tree over their hashes, as complete subtrees (level, hash) from left to right; each
    piece ends at a size whose root is wanted, or with the range. first_at, last_at: their times.
    """

    first: Place
    first_at: int
    last_at: int
    before: bytes
    team_seq: int
    hash: bytes
    pieces: list[tuple[int, list[tuple[int, bytes]]]]


class StreamSpan(Struct):
    """A stream's versions in a range: first … last without a gap."""

    first: int
    last: int
    begins: Place


class RangeProof(Struct):
    """What a range holds, and how it begins. first_place, first_at, last_at: of entries that were
    written in this log. erased: (project, sequence) -> commitment and place of
    an entry without payload. told: the same key -> the commitment that a fact of it names.
    """

    first: int
    last: int
    broken: RangeBroken | None = None
    chains: dict[int, ChainSpan] = field(default_factory=dict)
    streams: dict[str, StreamSpan] = field(default_factory=dict)
    first_place: Place | None = None
    first_at: int = 0
    last_at: int = 0
    erased: dict[tuple[int, int], tuple[bytes, Place]] = field(default_factory=dict)
    told: dict[tuple[int, int], bytes] = field(default_factory=dict)


class Found(Exception):
    def __init__(self, broken: RangeBroken) -> None:
        super().__init__(broken.what)
        self.broken = broken


def prove(asked: RangeAsked) -> RangeProof:
    """Reads the range and proves it; runs in a process or a thread of its own."""
    with psycopg.connect(asked.url, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        # A snapshot's name is PostgreSQL's own, and can't be a parameter.
        conn.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(asked.snapshot))

        def hash_of(team_id: int, team_seq: int) -> bytes | None:
            row = conn.execute(_HASH, (team_id, team_seq), binary=True).fetchone()
            return None if row is None else row[0]

        with conn.cursor(name="range", binary=True) as cursor:
            cursor.itersize = FETCH
            cursor.execute(_ROWS, (asked.first, asked.last))
            return proved(asked.first, asked.last, cursor, hash_of, asked.sizes)


def proved(
    first: int,
    last: int,
    rows: Iterable[Row],
    hash_of: HashOf,
    sizes: Mapping[int, Sequence[int]],
) -> RangeProof:
    proof = RangeProof(first, last)
    walk = _Walk(proof, hash_of, sizes)
    try:
        for row in rows:
            walk.take(row)
        if walk.position != last:
            nothing = Place(walk.position + 1, 0, 0, "")
            raise Found(RangeBroken("position", walk.position + 1, nothing))
    except Found as found:
        proof.broken = found.broken
    walk.end()
    return proof


class _Walk:
    def __init__(
        self, proof: RangeProof, hash_of: HashOf, sizes: Mapping[int, Sequence[int]]
    ) -> None:
        self.position = proof.first - 1
        self._proof = proof
        self._hash_of = hash_of
        self._wanted = {team_id: set(some) for team_id, some in sizes.items()}
        self._trees: dict[int, list[tuple[int, bytes]]] = {}
        self._names: dict[str, str] = {}

    def take(self, row: Row) -> None:
        """Raises Found."""
        position, stream, version, name, at, team_id, team_seq, actor = row[:8]
        operation, correlation, causation, payload, salt, commitment, hash_, origin = row[8:]
        proof = self._proof
        if position != self.position + 1:
            self._broken("position", row)
        if payload == b"null":
            self._broken("payload", row)
        chain = proof.chains.get(team_id)
        if chain is None:
            chain = self._begin(row)
        elif team_seq != chain.team_seq + 1:
            self._broken("team_seq", row)
        elif at <= chain.last_at:
            self._broken("at", row)
        versions = proof.streams.get(stream)
        if versions is None:
            proof.streams[stream] = StreamSpan(version, version, _place(row))
        elif version != versions.last + 1:
            self._broken("version", row)
        else:
            versions.last = version
        if origin is None:
            if proof.first_place is None:
                proof.first_place, proof.first_at = _place(row), at
            elif at <= proof.last_at:
                self._broken("at", row)
            proof.last_at = at
        if salt and sha256(salt + payload).digest() != commitment:
            self._broken("commitment", row)
        quoted = self._names.get(name) or self._quoted(name)
        cause = "null" if causation is None else f'"{causation}"'
        envelope = (
            f'[{origin or position},"{stream}",{version},{quoted},{at},{team_id},{team_seq},'
            f'{actor},"{operation}","{correlation}",{cause}]'
        )
        if sha256(chain.hash + envelope.encode() + commitment).digest() != hash_:
            self._broken("hash", row)
        if not salt:
            proof.erased[team_id, team_seq] = (commitment, _place(row))
        elif name == PAYLOAD_ERASED:
            self._told(team_id, payload)
        self.position, chain.last_at = position, at
        chain.team_seq, chain.hash = team_seq, hash_
        self._grow(chain, team_id, team_seq, hash_)

    def end(self) -> None:
        """What is left of each tree is its last piece."""
        for team_id, tree in self._trees.items():
            chain = self._proof.chains[team_id]
            if tree:
                chain.pieces.append((chain.team_seq, tree))

    def _begin(self, row: Row) -> ChainSpan:
        team_id, team_seq = row[5], row[6]
        before = bytes(HASH_BYTES) if team_seq == 1 else self._hash_of(team_id, team_seq - 1)
        if before is None:
            self._broken("team_seq", row)
        at = row[4]
        chain = ChainSpan(_place(row), at, at, before, team_seq - 1, before, [])
        self._proof.chains[team_id] = chain
        self._trees[team_id] = []
        return chain

    def _grow(self, chain: ChainSpan, team_id: int, team_seq: int, leaf: bytes) -> None:
        tree = self._trees[team_id]
        node, level, index = sha256(b"\0" + leaf).digest(), 0, team_seq - 1
        while index & 1 and tree and tree[-1][0] == level:
            node = sha256(b"\1" + tree.pop()[1] + node).digest()
            level, index = level + 1, index >> 1
        tree.append((level, node))
        wanted = self._wanted.get(team_id)
        if wanted and team_seq in wanted:
            chain.pieces.append((team_seq, tree))
            self._trees[team_id] = []

    def _told(self, team_id: int, payload: bytes) -> None:
        told = json.loads(payload)
        if told.get("sequence") is not None:
            self._proof.told[team_id, told["sequence"]] = bytes.fromhex(told["commitment"])

    def _quoted(self, name: str) -> str:
        quoted = self._names[name] = json.dumps(name, ensure_ascii=False)
        return quoted

    def _broken(self, what: What, row: Row) -> NoReturn:
        position = self.position + 1 if what == "position" else row[0]
        raise Found(RangeBroken(what, position, _place(row)))


def _place(row: Row) -> Place:
    return Place(row[0], row[5], row[6], row[3])
