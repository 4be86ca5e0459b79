"""A project's facts as CloudEvents: pulled page by page, one by one, or sent as they come."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta, Raw

from contracts.api.facts import PulledFacts
from contracts.cloud_events import MEDIA_TYPE, CloudEvent, encode_cloud_event, event_source
from contracts.cursors import link_text
from contracts.fact_filters import (
    FactFilter,
    UnknownSubject,
    UnknownType,
    parse_subjects,
    parse_types,
)
from contracts.headers import FACTS_HEAD, FACTS_THROUGH, LAST_EVENT_ID
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller, authenticate, require_administrator
from services.common.http.csv_answers import NEVER_CSV
from services.common.http.hang_ups import while_there
from services.common.http.heads import is_head
from services.common.http.operations import (
    HEADERS,
    AnswerDescription,
    Parameter,
    RouteDescription,
    described,
)
from services.common.http.paths import number_in_path, project_paths
from services.common.http.problems import Rejected, invalid, not_a_choice, not_found
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.log.cursors import check_cursor, project_head, project_link
from services.common.log.entries import project_entries
from services.query.http import chains, paging, parameters
from services.query.reads.all import Reads
from services.query.streams import connection, server_sent
from services.query.streams import pull as pulling
from services.query.streams.pull import Pulled, PullRequest
from services.query.streams.streams import Streams

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True}

NDJSON = "application/x-ndjson"

_encoder = msgspec.json.Encoder()

_Cursor = Annotated[str, Meta(pattern=r"^(now|[0-9]{1,20}(-[0-9a-f]{16})?)$")]
_AFTER = Parameter(
    name="after",
    description="A cursor, `510` or `510-339a3c39db0164c8`; `0`: the beginning; `now`: the head.",
    kind=_Cursor,
)
_FILTERS = (
    Parameter(name="types", description="Of these types: `insight.renamed.v1,sharing.*`."),
    Parameter(name="insight", description="About this insight: its number, or its short id."),
    Parameter(name="subject", description="Of these things: `insight/1,dashboard/2`."),
)
_PULL = described(
    RouteDescription(
        answers={
            200: AnswerDescription(
                kind=PulledFacts,
                also={NDJSON: str},
                headers=(FACTS_THROUGH, FACTS_HEAD, "Link"),
            )
        },
        parameters=(
            _AFTER,
            Parameter(
                name="limit",
                description="How many; 100 unless given, 1,000 at most, 4 MiB at most.",
                kind=Annotated[int, Meta(ge=1)],
            ),
            Parameter(
                name="wait",
                description="Seconds to wait for the first that matches, 30 at most.",
                kind=Annotated[float, Meta(ge=0)],
            ),
            *_FILTERS,
            Parameter(
                name="format",
                description="`ndjson`: an event a line.",
                kind=Literal["json", "ndjson"],
            ),
            HEADERS["Insights-Position"],
        ),
        errors=(409, 410),
    )
)
_ONE = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=CloudEvent, media_type=MEDIA_TYPE)},
        parameters=(HEADERS["Insights-Position"],),
    )
)
_STREAM = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=str, media_type=server_sent.MEDIA_TYPE)},
        parameters=(
            _AFTER,
            *_FILTERS,
            Parameter(
                name=LAST_EVENT_ID,
                location="header",
                kind=_Cursor,
                description="The id to go on from; it goes before `after`.",
            ),
            HEADERS["Insights-Position"],
        ),
        errors=(409, 410),
    )
)


@get(project_paths("/facts/"), opt={**READ, **_PULL})
async def pull_facts(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The project's facts beyond a cursor, oldest first, as CloudEvents.

    `through` moves on over what the filters leave out: ask again with `next`, also at the end.
    """
    require_administrator(caller)
    limit, wait = chains.limit(request), chains.wait(request)
    as_lines = _wants_lines(request)
    await chains.reached(request, reads, streams.pool)
    wanted = await fact_filter(request, reads, caller)
    after = await check_cursor(
        streams.pool, caller.team_id, parameters.text(request, "after") or "0"
    )
    source = event_source(streams.installation, caller.team_id)
    asked = PullRequest(
        caller.team_id,
        wanted,
        limit,
        form=lambda entry: encode_cloud_event(entry, source),
        size=lambda event: len(event) + 1,
    )
    found = await pulling.pull(streams.pool, asked, after)
    if not found.events and wait:
        waiting = pulling.waited(streams.pool, streams.feed, asked, found, wait)
        found = await while_there(request, waiting)
    if found.events:
        noted(request.scope).shows([after.team_seq + 1, found.through.team_seq])
    return await _pulled(request, streams, asked, found, as_lines=as_lines)


@get(project_paths("/facts/stream/"), opt={**READ, **_STREAM})
async def stream_facts(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> ASGIResponse:
    """The project's facts as they come, as server-sent events whose data are CloudEvents.

    Each has its cursor as its id: a client that comes back with it goes on from there. Bookmarks
    move the id over what the filters leave out; the last event says why a stream has ended.
    """
    require_administrator(caller)
    await chains.reached(request, reads, streams.pool)
    wanted = await fact_filter(request, reads, caller)
    last = request.headers.get(LAST_EVENT_ID) or parameters.text(request, "after") or "now"
    after = await check_cursor(streams.pool, caller.team_id, last)
    if is_head(request):
        return ASGIResponse(media_type=server_sent.MEDIA_TYPE, headers=connection.HEADERS)
    return streams.follow(caller.team_id, wanted, after, still_may(request, accounts, caller))


@get(project_paths("/facts/{sequence:str}/"), opt={**READ, **_ONE})
async def one_fact(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    caller: NamedDependency[Caller],
    sequence: FromPath[str],
) -> Response[bytes]:
    """One fact of the project, by its sequence."""
    require_administrator(caller)
    await chains.reached(request, reads, streams.pool)
    number = number_in_path(sequence)
    entries = await project_entries(streams.pool, caller.team_id, number - 1, 1) if number else ()
    if not entries or entries[0].team_seq != number:
        raise not_found()
    source = event_source(streams.installation, caller.team_id)
    return Response(encode_cloud_event(entries[0], source), media_type=MEDIA_TYPE)


async def _pulled(
    request: AnyRequest,
    streams: Streams,
    asked: PullRequest[bytes],
    found: Pulled[bytes],
    *,
    as_lines: bool,
) -> Response[bytes]:
    through = link_text(found.through)
    last = await project_head(streams.pool, asked.team_id)
    following = paging.link(request, after=through, limit=str(asked.limit))
    headers = {
        FACTS_THROUGH: through,
        FACTS_HEAD: link_text(last),
        "Link": f'<{following}>; rel="next"',
    }
    if as_lines:
        lines = b"".join(event + b"\n" for event in found.events)
        return Response(lines, media_type=NDJSON, headers=headers)
    first = await project_link(streams.pool, asked.team_id, 1)
    body = PulledFacts(
        events=[Raw(event) for event in found.events],
        through=through,
        head=link_text(last),
        first=None if first is None else link_text(first),
        next=following,
    )
    return Response(_encoder.encode(body), media_type="application/json", headers=headers)


async def fact_filter(request: AnyRequest, reads: Reads, caller: Caller) -> FactFilter:
    """Raises Rejected 400 naming the parameter."""
    try:
        types = parse_types(parameters.text(request, "types") or "")
    except UnknownType as cause:
        raise invalid("types", "invalid_choice", str(cause)) from cause
    try:
        subjects = parse_subjects(parameters.text(request, "subject") or "")
    except UnknownSubject as cause:
        raise invalid("subject", "invalid_input", str(cause)) from cause
    return FactFilter(
        types, await chains.insight(request, reads, caller.team_id, "insight"), subjects
    )


def still_may(
    request: AnyRequest, accounts: Accounts, caller: Caller
) -> Callable[[], Awaitable[bool]]:
    """Whether the stream's reader still may: the key lives and has the scope, the rank is there."""

    async def may() -> bool:
        try:
            person = await authenticate(request, accounts)
        except Rejected:
            return False
        project = caller.project
        return person.may_enter(project) and person.user.is_administrator(project.organization_id)

    return may


def _wants_lines(request: AnyRequest) -> bool:
    named = parameters.text(request, "format")
    if named is None:
        return NDJSON in request.headers.get("accept", "")
    if named not in ("json", "ndjson"):
        raise not_a_choice("format", named)
    return named == "ndjson"


HANDLERS = [pull_facts, stream_facts, one_fact]
