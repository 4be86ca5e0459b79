"""The read trail: what a row says of one answered request, and the bytes that its proof is over.

commitment = SHA-256(salt ‖ canonical row)

A seal (`audit.reads_sealed.v1`) gives a project's reads their numbers and holds the Merkle root
over their commitments, in the order of the numbers. An erased row keeps its commitment and number.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec

SALT_BYTES = 16

Surface = Literal["api", "share", "embed", "export", "stream", "audit", "page"]
"""The door that was asked. share: also a share's token in an API request. export: CSV, and
audit/export. stream: facts/ and their stream.
"""
SURFACES: Sequence[Surface] = ("api", "share", "embed", "export", "stream", "audit", "page")


class _Reader(
    msgspec.Struct,
    frozen=True,
    tag_field="type",
    forbid_unknown_fields=True,
    kw_only=True,
    gc=False,
):
    """Who has read."""


class UserReader(_Reader, frozen=True, tag="user", kw_only=True, gc=False):
    """key_id: of the key that was used, never the key."""

    user_id: int
    key_id: str


class VisitorReader(_Reader, frozen=True, tag="visitor", kw_only=True):
    """token_id: of the share's token, never the token; None: it opens nothing. unlocked: whether
    the visitor had given the share's password.
    """

    token_id: int | None
    unlocked: bool


class ErasedReader(_Reader, frozen=True, tag="erased", kw_only=True):
    """Someone who has been erased."""


Reader = UserReader | VisitorReader | ErasedReader


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One answered request. The order of the fields is that of the canonical bytes: it stays.

    at: when the answer began. what: `insight`, `insight_list`, `funnel` …; `insight_document`: a
    share's `.json`. items: numbers of the things it showed, which are of the kind that `what`
    begins with; of facts and the audit, the first and the last sequence. insights: those that were
    shown inside of something else, as tiles of a dashboard. as_of: as it was asked. refresh: the
    mode that was in force. from_cache: whether its results were there before; None without any.
    bytes: of the body; 0 for HEAD, and where it has no end. ip: of the client; None: not recorded.
    client: `x-posthog-client`, else the product token of User-Agent; printable ASCII.
    """

    at: datetime
    actor: Reader
    surface: Surface
    what: str
    items: tuple[int, ...] = ()
    insights: tuple[int, ...] = ()
    as_of: str | None = None
    refresh: str | None = None
    status: int
    from_cache: bool | None = None
    bytes: int = 0
    ip: str | None = None
    client: str | None = None
    correlation_id: UUID | None = None

    @property
    def kind(self) -> str:
        """Of the things that `items` are the numbers of: `insight`, `dashboard` …"""
        return self.what.partition("_")[0]


class StoredRead(msgspec.Struct, frozen=True, kw_only=True):
    """A read that has its place. number: in its project, from 1; None until it is sealed.

    salt: empty once the reader has been erased. sealed_by: the sequence of the seal's fact.
    """

    team_id: int
    number: int | None
    read: Read
    salt: bytes
    commitment: bytes
    sealed_by: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the row is the one that was committed to; an erased one can't be told."""
        if isinstance(self.read.actor, ErasedReader):
            return not self.salt
        return commitment(self.salt, self.read) == self.commitment


_encoder = msgspec.json.Encoder()


def canonical(read: Read) -> bytes:
    """JSON without spaces, every field in the order of `Read`, times in UTC with their Z."""
    return _encoder.encode(read)


def commitment(salt: bytes, read: Read) -> bytes:
    return sha256(salt + canonical(read)).digest()


def printable(text: str, longest: int) -> str:
    """Printable ASCII, so that any JSON library writes the same canonical bytes of it."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:longest])
