"""What proves a chain of facts: checkpoints, keys, tiles, proofs, and archives that verify by
themselves.
"""

import re
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from contracts.api.proofs import ConsistencyProof, InclusionProof, LogKeyBody, LogKeys
from contracts.api.times import written
from contracts.merkle import HASH_BYTES, TILE_WIDTH
from services.common.http.caller import Caller, require_administrator
from services.common.http.csv_answers import NEVER_CSV
from services.common.http.heads import is_head
from services.common.http.operations import (
    HEADERS,
    AnswerDescription,
    Parameter,
    RouteDescription,
    described,
)
from services.common.http.paths import project_paths
from services.common.http.problems import invalid, not_found
from services.common.http.request import AnyRequest
from services.common.log.cursors import check_cursor
from services.common.postgres.database import Pool
from services.common.proofs import checkpoints, tree
from services.common.proofs.checkpoints import SignedCheckpoint
from services.common.proofs.origins import log_origin, project_origin
from services.query.audit import archive
from services.query.audit.archive import Archive, ArchiveAnswer
from services.query.http import chains, parameters
from services.query.reads.all import Reads
from services.query.streams.streams import Streams

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True}
# Its charset, UTF-8, is added to every text.
NOTE = "text/plain"
BYTES = "application/octet-stream"
# A full tile never changes. Private: only administrators may have it.
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}
NOT_KEPT = {"Cache-Control": "no-cache"}

_Size = Annotated[int, Meta(ge=1)]
_Cursor = Annotated[str, Meta(pattern=r"^(now|[0-9]{1,20}(-[0-9a-f]{16})?)$")]
CHECKPOINT = described(
    RouteDescription(answers={200: AnswerDescription(kind=str, media_type="text/plain")})
)
KEYS = described(RouteDescription(answers={200: AnswerDescription(kind=LogKeys)}))
TILE = described(RouteDescription(answers={200: AnswerDescription(kind=bytes, media_type=BYTES)}))
INCLUSION = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=InclusionProof)},
        parameters=(
            Parameter(name="sequence", description="Of the entry.", kind=_Size, required=True),
            Parameter(
                name="size",
                description="Of the tree; the newest checkpoint's unless given.",
                kind=_Size,
            ),
        ),
    )
)
CONSISTENCY = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=ConsistencyProof)},
        parameters=(
            Parameter(name="from", description="A tree's size.", kind=_Size, required=True),
            Parameter(
                name="to",
                description="A larger one's, or the same; the newest checkpoint's unless given.",
                kind=_Size,
            ),
        ),
    )
)
EXPORT = described(
    RouteDescription(
        answers={
            200: AnswerDescription(
                kind=str, media_type=archive.MEDIA_TYPE, also={archive.TEXT: str}
            )
        },
        parameters=(
            Parameter(
                name="after",
                description="A cursor: it begins behind that; at the beginning unless given.",
                kind=_Cursor,
            ),
            Parameter(
                name="through",
                description="A cursor: its last entry; what is signed by now unless given.",
                kind=_Cursor,
            ),
            HEADERS["Insights-Position"],
        ),
        errors=(409, 503),
    )
)

_SIZE = re.compile(r"[0-9]{1,18}")
_PLACE = re.compile(
    r"/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class TilePlace(msgspec.Struct, frozen=True):
    """level: None for entries. width: of a part of the tile."""

    level: int | None
    index: int
    width: int

    @property
    def is_whole(self) -> bool:
        return self.width == TILE_WIDTH


@get(project_paths("/audit/log/checkpoint/"), opt={**READ, **CHECKPOINT})
async def read_checkpoint(
    streams: NamedDependency[Streams], caller: NamedDependency[Caller]
) -> Response[str]:
    """The newest checkpoint of the project's tree, a signed note: its size, its root, and who
    signed it. 404 until the first.
    """
    require_administrator(caller)
    return await checkpoint_answer(streams.pool, caller.team_id)


@get(project_paths("/audit/log/keys/"), opt={**READ, **KEYS})
async def read_keys(streams: NamedDependency[Streams], caller: NamedDependency[Caller]) -> LogKeys:
    """The keys that sign checkpoints, or have signed them."""
    require_administrator(caller)
    return await keys_answer(streams, caller.team_id)


@get(project_paths("/audit/log/tile/{place:path}"), opt={**READ, **TILE})
async def read_tile(
    streams: NamedDependency[Streams], caller: NamedDependency[Caller], place: FromPath[str]
) -> Response[bytes]:
    """A tile of the tree, or the entries below one, as C2SP's tlog-tiles names them:
    `tile/0/x001/234`, `tile/1/000.p/17`, `tile/entries/000`. An entry is the 32 bytes of its hash.
    """
    require_administrator(caller)
    return await tile_answer(streams.pool, caller.team_id, place)


@get(project_paths("/audit/log/proof/inclusion/"), opt={**READ, **INCLUSION})
async def prove_inclusion(
    request: AnyRequest, streams: NamedDependency[Streams], caller: NamedDependency[Caller]
) -> InclusionProof:
    """Proof that an entry is in the tree of a size."""
    require_administrator(caller)
    return await inclusion_answer(request, streams.pool, caller.team_id)


@get(project_paths("/audit/log/proof/consistency/"), opt={**READ, **CONSISTENCY})
async def prove_consistency(
    request: AnyRequest, streams: NamedDependency[Streams], caller: NamedDependency[Caller]
) -> ConsistencyProof:
    """Proof that a tree begins with an older one: that nothing was changed in between."""
    require_administrator(caller)
    return await consistency_answer(request, streams.pool, caller.team_id)


@get(project_paths("/audit/export/"), opt={**READ, **EXPORT})
async def export_archive(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    caller: NamedDependency[Caller],
) -> ASGIResponse:
    """The project's facts as one file of lines, which `recount verify --export` verifies without
    any server: a head, CloudEvents, oldest first, and a checkpoint.
    """
    require_administrator(caller)
    return await export_answer(request, reads, streams, caller.team_id)


async def checkpoint_answer(pool: Pool, team_id: int) -> Response[str]:
    """Of any chain; that the caller may read it has been seen to. So are the others below."""
    found = await checkpoints.newest(pool, team_id)
    if found is None:
        raise _nothing_signed()
    return Response(found.note, media_type=NOTE, headers=NOT_KEPT)


async def keys_answer(streams: Streams, team_id: int) -> LogKeys:
    newest = await checkpoints.newest(streams.pool, team_id)
    origin = _origin(streams, team_id, newest)
    keys = await checkpoints.log_keys(streams.pool)
    return LogKeys(
        origin=origin,
        keys=[
            LogKeyBody(
                vkey=key.named(origin).text,
                since=written(key.since),
                until=written(key.until),
                lost=key.lost,
            )
            for key in keys
        ],
    )


async def tile_answer(pool: Pool, team_id: int, path: str) -> Response[bytes]:
    place = _place(path)
    end = place.width
    if place.level is None:
        first = place.index * TILE_WIDTH
        entries = await tree.leaves(pool, team_id, first, first + end)
        hashes, found = b"".join(b"\0\x20" + entry for entry in entries), len(entries)
    else:
        hashes = await tree.tile(pool, team_id, place.level, place.index, 0, end)
        found = len(hashes) // HASH_BYTES
    if found < end:
        raise not_found()
    return Response(hashes, media_type=BYTES, headers=IMMUTABLE if place.is_whole else NOT_KEPT)


async def inclusion_answer(request: AnyRequest, pool: Pool, team_id: int) -> InclusionProof:
    sequence = _required_size(request, "sequence")
    size = await _size_or_newest(request, "size", pool, team_id)
    await _within(pool, team_id, "size", size)
    if sequence > size:
        raise invalid("sequence", "invalid_input", f"The tree has {size} entries.")
    (entry,) = await tree.leaves(pool, team_id, sequence - 1, sequence)
    return InclusionProof(
        sequence=sequence,
        index=sequence - 1,
        size=size,
        hash=entry.hex(),
        proof=_hexadecimal(await tree.inclusion(pool, team_id, sequence, size)),
        checkpoint=await _note_of(pool, team_id, size),
    )


async def consistency_answer(request: AnyRequest, pool: Pool, team_id: int) -> ConsistencyProof:
    old = _required_size(request, "from")
    new = await _size_or_newest(request, "to", pool, team_id)
    await _within(pool, team_id, "to", new)
    if old > new:
        raise invalid("from", "invalid_input", "A tree does not begin with a larger one.")
    return ConsistencyProof(
        from_=old,
        to=new,
        proof=_hexadecimal(await tree.consistency(pool, team_id, old, new)),
        checkpoint=await _note_of(pool, team_id, new),
    )


async def export_answer(
    request: AnyRequest, reads: Reads, streams: Streams, team_id: int
) -> ASGIResponse:
    await chains.reached(request, reads, streams.pool)
    after = await check_cursor(streams.pool, team_id, parameters.text(request, "after") or "0")
    named = parameters.text(request, "through")
    through = None if named is None else await check_cursor(streams.pool, team_id, named)
    if through is not None and through.team_seq < after.team_seq:
        raise invalid("through", "invalid_input", "It comes before `after`.")
    signed = await archive.signed_through(
        streams.pool, team_id, None if through is None else through.team_seq, after.team_seq
    )
    newest = 0 if signed is None else signed.size
    last = newest if through is None else through.team_seq
    made = Archive(
        pool=streams.pool,
        installation=streams.installation,
        team_id=team_id,
        origin=_origin(streams, team_id, signed),
        after=after.team_seq,
        through=last,
    )
    as_text = archive.TEXT in request.headers.get("Accept", "")
    return ArchiveAnswer(made, is_head=is_head(request), as_text=as_text)


def _origin(streams: Streams, team_id: int, newest: SignedCheckpoint | None) -> str:
    """As it was signed; what it will be, unless a name of their own is set, before the first."""
    if newest is not None:
        return newest.origin
    return project_origin(log_origin("", streams.installation), team_id)


def _place(path: str) -> TilePlace:
    spelled = _PLACE.fullmatch(path.rstrip("/"))
    width = TILE_WIDTH if spelled is None else int(spelled["width"] or TILE_WIDTH)
    if spelled is None or (spelled["width"] and width >= TILE_WIDTH):
        raise not_found()
    groups = spelled["index"].split("/")
    # Written without groups of zeros in front.
    if len(groups) > 1 and groups[0] == "x000":
        raise not_found()
    level = None if spelled["level"] == "entries" else int(spelled["level"])
    if level is not None and level > 63:
        raise not_found()
    return TilePlace(level, int("".join(groups).replace("x", "")), width)


def _required_size(request: AnyRequest, name: str) -> int:
    found = _size(request, name)
    if found is None:
        raise invalid(name, "required", "This parameter is required.")
    return found


def _size(request: AnyRequest, name: str) -> int | None:
    sent = parameters.text(request, name)
    if sent is None:
        return None
    if not _SIZE.fullmatch(sent) or not int(sent):
        raise invalid(name, "invalid_input", "A number from 1 on.")
    return int(sent)


async def _size_or_newest(request: AnyRequest, name: str, pool: Pool, team_id: int) -> int:
    size = _size(request, name)
    if size is not None:
        return size
    newest = await checkpoints.newest(pool, team_id)
    if newest is None:
        raise _nothing_signed()
    return newest.size


async def _within(pool: Pool, team_id: int, name: str, size: int) -> None:
    grown = await tree.frontier(pool, team_id)
    if size > grown.size:
        raise invalid(name, "invalid_input", f"The tree has {grown.size} entries.")


async def _note_of(pool: Pool, team_id: int, size: int) -> str | None:
    found = await checkpoints.first_from(pool, team_id, size)
    return None if found is None else found.note


def _hexadecimal(proof: list[bytes]) -> list[str]:
    return [hash_.hex() for hash_ in proof]


def _nothing_signed() -> Exception:
    return not_found("Nothing is signed yet.")


HANDLERS = [
    read_checkpoint,
    read_keys,
    read_tile,
    prove_inclusion,
    prove_consistency,
    export_archive,
]
