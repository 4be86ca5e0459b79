"""A chain of facts for auditors and their SIEMs: page by page, or as they come."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse
from msgspec import Raw

from contracts.api.audit import AuditPage
from contracts.chain import Entry, Link
from contracts.cursors import link_text
from contracts.headers import FACTS_HEAD, FACTS_THROUGH
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller, require_administrator
from services.common.http.csv_answers import CSV, NEVER_CSV
from services.common.http.hang_ups import while_there
from services.common.http.heads import is_head
from services.common.http.operations import (
    HEADERS,
    AnswerDescription,
    RouteDescription,
    described,
)
from services.common.http.paths import project_paths
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.log.cursors import check_cursor, project_head, project_link
from services.query.audit import forms
from services.query.audit.names import AuditNames
from services.query.http import chains, paging
from services.query.http.audits import PARAMETERS, AuditQuestion, audit_question
from services.query.reads.all import Reads
from services.query.routes.facts import still_may
from services.query.streams import connection, pull
from services.query.streams.lines import MEDIA_TYPE, Lines
from services.query.streams.pull import Pulled, PullRequest
from services.query.streams.streams import Streams

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True}
DESCRIBED = described(
    RouteDescription(
        answers={
            200: AnswerDescription(
                kind=AuditPage,
                also={MEDIA_TYPE: str, "text/csv": str},
                headers=(FACTS_THROUGH, FACTS_HEAD, "Link"),
            )
        },
        parameters=(*PARAMETERS, HEADERS["Insights-Position"]),
        errors=(409,),
    )
)

# Bytes of an entry beside its payload: so much is said of it at most, but for long names.
_BESIDE = 1_000

_encoder = msgspec.json.Encoder()


class AuditChain(msgspec.Struct, frozen=True):
    """Whose facts: a project's, by its number, or an organization's, by minus its number.

    may: whether the reader of a follow still may.
    """

    team_id: int
    may: Callable[[], Awaitable[bool]]


@get(project_paths("/audit/"), opt={**READ, **DESCRIBED})
async def read_audit(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> ASGIResponse:
    """Every fact of the project, oldest first, with what is called how today, and its proof.

    `through` moves on over what the filters leave out: ask again with `next`, also at the end.
    For administrators: whoever reads all facts sees every insight.
    """
    require_administrator(caller)
    chain = AuditChain(caller.team_id, still_may(request, accounts, caller))
    return await audit_answer(request, reads, streams, accounts, chain)


async def audit_answer(
    request: AnyRequest, reads: Reads, streams: Streams, accounts: Accounts, chain: AuditChain
) -> ASGIResponse:
    """What GET audit/ answers of any chain; that the caller may read it has been seen to."""
    await chains.reached(request, reads, streams.pool)
    question = await audit_question(request, reads, chain.team_id)
    after = await _beginning(reads, streams, chain, question)
    names = AuditNames(streams.pool, accounts, streams.installation)
    if question.follow:
        return await _followed(request, streams, names, chain, question, after)
    asked = PullRequest(
        chain.team_id,
        question.wanted,
        question.limit,
        form=lambda entry: entry,
        size=lambda entry: len(entry.event) + _BESIDE,
    )
    found = await pull.pull(streams.pool, asked, after)
    if not found.events and question.wait:
        waiting = pull.waited(streams.pool, streams.feed, asked, found, question.wait)
        found = await while_there(request, waiting)
    if found.events:
        noted(request.scope).shows([found.events[0].team_seq, found.events[-1].team_seq])
    return await _page(request, streams, names, chain, question, found)


async def _beginning(
    reads: Reads, streams: Streams, chain: AuditChain, question: AuditQuestion
) -> Link:
    """The place to go on from: the cursor's, or the last before `from`, if that comes later.

    Raises what `check_cursor` does.
    """
    after = await check_cursor(streams.pool, chain.team_id, question.after)
    since = question.wanted.since
    if since is None:
        return after
    before = await reads.moments.last_sequence_before(chain.team_id, since)
    if before <= after.team_seq:
        return after
    return await project_link(streams.pool, chain.team_id, before) or after


async def _page(
    request: AnyRequest,
    streams: Streams,
    names: AuditNames,
    chain: AuditChain,
    question: AuditQuestion,
    found: Pulled[Entry],
) -> ASGIResponse:
    through = link_text(found.through)
    head = await project_head(streams.pool, chain.team_id)
    following = paging.link(request, after=through)
    headers = {
        FACTS_THROUGH: through,
        FACTS_HEAD: link_text(head),
        "Link": f'<{following}>; rel="next"',
    }
    called = await names.of(chain.team_id, found.events)
    if question.form == "csv":
        return ASGIResponse(body=forms.csv(found.events, called), media_type=CSV, headers=headers)
    if question.form != "json":
        lines = forms.LINES[question.form](found.events, called)
        return ASGIResponse(body=lines, media_type=MEDIA_TYPE, headers=headers)
    body = AuditPage(
        entries=[Raw(forms.encoded_entry(entry, called)) for entry in found.events],
        through=through,
        head=head.team_seq,
        next=following,
    )
    return ASGIResponse(body=_encoder.encode(body), media_type="application/json", headers=headers)


async def _followed(
    request: AnyRequest,
    streams: Streams,
    names: AuditNames,
    chain: AuditChain,
    question: AuditQuestion,
    after: Link,
) -> ASGIResponse:
    head = await project_head(streams.pool, chain.team_id)
    headers = {FACTS_THROUGH: link_text(after), FACTS_HEAD: link_text(head)}
    if is_head(request):
        return ASGIResponse(media_type=MEDIA_TYPE, headers={**connection.HEADERS, **headers})
    written = forms.LINES[question.form]

    async def lines(entries: Sequence[Entry]) -> bytes:
        return written(entries, await names.of(chain.team_id, entries))

    wire = Lines(lines, headers)
    return streams.follow(chain.team_id, question.wanted, after, chain.may, wire=wire, door="audit")


HANDLERS = [read_audit]
