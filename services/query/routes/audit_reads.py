"""The trail of reads for auditors, by its own numbers."""

import asyncio
import time
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse
from msgspec import Meta, Raw

from contracts.api.reads import ReadsPage
from contracts.headers import READS_THROUGH
from contracts.reads import SURFACES
from contracts.references import number_in
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller, require_administrator
from services.common.http.csv_answers import CSV, NEVER_CSV
from services.common.http.hang_ups import while_there
from services.common.http.operations import (
    AnswerDescription,
    Parameter,
    RouteDescription,
    described,
)
from services.common.http.paths import project_paths
from services.common.http.problems import Problem, Rejected, invalid, not_a_choice
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.query.audit import read_forms
from services.query.audit.names import AuditNames
from services.query.http import audits, chains, paging, parameters
from services.query.reads.all import Reads
from services.query.reads.read_trail import ReadFilter, ReadTrailPage
from services.query.streams.lines import MEDIA_TYPE
from services.query.streams.streams import Streams

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True}
# A seal comes every ten seconds.
LOOK_SECONDS = 0.5

DESCRIBED = described(
    RouteDescription(
        answers={
            200: AnswerDescription(
                kind=ReadsPage,
                also={MEDIA_TYPE: str, "text/csv": str},
                headers=(READS_THROUGH, "Link"),
            )
        },
        parameters=(
            Parameter(
                name="after",
                description="The number of a read; `0`, unless given: the beginning.",
                kind=Annotated[int, Meta(ge=0)],
            ),
            *(each for each in audits.PARAMETERS if each.name in ("limit", "wait", "user")),
            Parameter(
                name="surface",
                description="Through this door.",
                kind=Literal["api", "share", "embed", "export", "stream", "audit", "page"],
            ),
            Parameter(
                name="item",
                description="That showed this insight, by number or short id, also as a tile; or"
                " another thing: `dashboard/2`.",
            ),
            *(each for each in audits.PARAMETERS if each.name in ("from", "to")),
            Parameter(
                name="format",
                description="`ndjson`: a read a line, with salt and commitment. `ocsf`: an OCSF"
                " 1.5.0 event a line. `csv`: a table.",
                kind=Literal["json", "ndjson", "ocsf", "csv"],
            ),
            Parameter(
                name="unsealed",
                description="`true`: with those of the last seconds, which have no number yet.",
                kind=bool,
            ),
        ),
        errors=(409,),
    )
)

_encoder = msgspec.json.Encoder()


class _ReadsQuestion(msgspec.Struct, frozen=True):
    team_id: int
    after: int
    limit: int
    unsealed: bool
    wanted: ReadFilter


@get(project_paths("/audit/reads/"), opt={**READ, **DESCRIBED})
async def read_reads(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> ASGIResponse:
    """Who was shown what in the project, by the number that the seal gave each read.

    `through` moves on over what the filters leave out: ask again with `next`, also at the end.
    """
    require_administrator(caller)
    return await reads_answer(request, reads, streams, accounts, caller.team_id)


async def reads_answer(
    request: AnyRequest, reads: Reads, streams: Streams, accounts: Accounts, team_id: int
) -> ASGIResponse:
    """What GET audit/reads/ answers of any chain; that the caller may read it has been seen to."""
    asked = await _asked(request, reads, team_id)
    form, wait = audits.asked_format(request), chains.wait(request)
    last, _ = await reads.trail.standing(team_id)
    if asked.after > last:
        raise _ahead(last)
    found = await _page(reads, asked)
    if not found.reads and wait:
        found = await while_there(request, _waited(reads, asked, found, wait))
    if numbers := [each.number for each in found.reads if each.number is not None]:
        noted(request.scope).shows([numbers[0], numbers[-1]])
    names = AuditNames(streams.pool, accounts, streams.installation)
    called = await names.of_reads(team_id, found.reads)
    following = paging.link(request, after=str(found.through))
    headers = {READS_THROUGH: str(found.through), "Link": f'<{following}>; rel="next"'}
    if form == "csv":
        return ASGIResponse(
            body=read_forms.csv(found.reads, called), media_type=CSV, headers=headers
        )
    if form != "json":
        lines = read_forms.ndjson if form == "ndjson" else read_forms.ocsf
        return ASGIResponse(body=lines(found.reads, called), media_type=MEDIA_TYPE, headers=headers)
    body = ReadsPage(
        reads=[Raw(read_forms.encoded_read(each, called)) for each in found.reads],
        through=found.through,
        unsealed=found.unsealed,
        next=following,
    )
    return ASGIResponse(body=_encoder.encode(body), media_type="application/json", headers=headers)


async def _page(reads: Reads, asked: _ReadsQuestion) -> ReadTrailPage:
    return await reads.trail.page(
        asked.team_id, asked.wanted, asked.after, asked.limit, unsealed=asked.unsealed
    )


async def _waited(
    reads: Reads, asked: _ReadsQuestion, found: ReadTrailPage, seconds: float
) -> ReadTrailPage:
    """As soon as something matches; empty after so many seconds."""
    deadline = time.monotonic() + seconds
    while not found.reads and (left := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(left, LOOK_SECONDS))
        asked = msgspec.structs.replace(asked, after=found.through)
        found = await _page(reads, asked)
    return found


async def _asked(request: AnyRequest, reads: Reads, team_id: int) -> _ReadsQuestion:
    """Raises Rejected 400 naming the parameter."""
    after = number_in(parameters.text(request, "after") or "0")
    if after is None:
        raise invalid("after", "invalid_input", "The number of a read.")
    surface = parameters.text(request, "surface") or None
    if surface is not None and surface not in SURFACES:
        raise not_a_choice("surface", surface)
    kind, item = await _item(request, reads, team_id)
    wanted = ReadFilter(
        user=audits.user_number(request),
        surface=surface,
        kind=kind,
        item=item,
        since=audits.time(request, "from"),
        until=audits.time(request, "to"),
    )
    unsealed = parameters.flag(request, "unsealed")
    return _ReadsQuestion(team_id, after, chains.limit(request), unsealed, wanted)


async def _item(request: AnyRequest, reads: Reads, team_id: int) -> tuple[str | None, int | None]:
    """Kind and number of the thing that is asked for."""
    subjects, insight = await audits.item(request, reads, team_id)
    for subject in subjects:
        kind, _, number = subject.partition("/")
        return kind, int(number)
    return ("insight", insight) if insight is not None else (None, None)


def _ahead(last: int) -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="cursor_ahead",
            detail="The cursor is beyond the last read: this trail is an older copy of its own.",
            attr="after",
        ),
        more={"head": last},
    )


HANDLERS = [read_reads]
