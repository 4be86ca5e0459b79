"""The tree over a chain of facts as auditors read it: keys, and proofs of a checkpoint's root."""

import msgspec

from contracts.api.times import Time


class LogKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """vkey: as verifiers of signed notes take it. until: it signs no more from then on; null: it is
    the one that signs. lost: whoever has it, we have not.
    """

    vkey: str
    since: Time
    until: Time | None
    lost: bool


class LogKeys(msgspec.Struct, frozen=True, kw_only=True):
    """origin: of the checkpoints, and the keys' name. keys: all there ever were, oldest first."""

    origin: str
    keys: list[LogKeyBody]


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True):
    """index: of the leaf, from 0. hash: of the entry, which is the leaf. proof: of RFC 9162 2.1.3,
    in hexadecimal. checkpoint: the first that was signed at that size, or at a larger one.
    """

    sequence: int
    index: int
    size: int
    hash: str
    proof: list[str]
    checkpoint: str | None


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True):
    """from_, to: sizes. proof: of RFC 9162 2.1.4, in hexadecimal; empty between equal sizes, whose
    roots are to be compared. checkpoint: the first that was signed at size `to` or at a larger one.
    """

    from_: int = msgspec.field(name="from")
    to: int
    proof: list[str]
    checkpoint: str | None
