"""Reading webhooks, their attempts, and the lanes that gave up."""

from typing import get_args

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.webhooks import (
    AttemptBody,
    AttemptPage,
    AttemptState,
    ParkedPage,
    WebhookBody,
    WebhookPage,
    webhook_number,
)
from contracts.read_models.webhook import WebhookRow
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller, require_administrator
from services.common.http.operations import reads, tells
from services.common.http.paths import project_paths
from services.common.http.problems import not_a_choice, not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import described, paging, parameters
from services.query.http.answers import answer, plain
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.listing import NumberEnd, PageRequest
from services.query.reads.read_position import FreshValue

READ = {"scopes": ("webhook:read",)}
ONE = "/webhooks/{webhook:str}/"

_encoder = msgspec.json.Encoder()
_STATES = get_args(AttemptState)
_ALL: PageRequest[NumberEnd] = PageRequest(1_000, 0, None)


@get(project_paths("/webhooks/"), opt={**READ, **reads(WebhookPage)})
async def list_webhooks(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """All webhooks of the project, the oldest first."""
    require_administrator(caller)
    fresh = await reads.freshness.of(
        lambda: reads.webhooks.page(caller.team_id, None, _ALL), parameters.at_least(request)
    )
    rows = fresh.value.rows
    known = await reads.webhook_standings(caller.team_id, rows)
    users = await user_bodies(accounts, (row.created_by for row in rows))
    page = WebhookPage(
        results=tuple(
            WebhookBody.of(row, known[row.webhook_id], users.get(row.created_by or 0))
            for row in rows
        )
    )
    return answer(request, _encoder.encode(page), fresh)


@get(project_paths(ONE), opt={**READ, **reads(WebhookBody)})
async def get_webhook(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    webhook: FromPath[str],
) -> Response[bytes]:
    """One webhook. Its secret is never shown again."""
    fresh = await _found(request, reads, caller, webhook)
    row = fresh.value
    known = await reads.webhook_standings(caller.team_id, [row])
    users = await user_bodies(accounts, (row.created_by,))
    body = WebhookBody.of(row, known[row.webhook_id], users.get(row.created_by or 0))
    return answer(request, _encoder.encode(body), fresh, version=row.version)


@get(
    project_paths(f"{ONE}attempts/"),
    opt={**READ, **tells(AttemptPage, *described.ATTEMPTS)},
)
async def webhook_attempts(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    caller: NamedDependency[Caller],
    webhook: FromPath[str],
) -> Response[bytes]:
    """Attempts of the last 30 days, the oldest first."""
    row = (await _found(request, reads, caller, webhook)).value
    limit = parameters.number(request, "limit", parameters.DEFAULT_LIMIT, least=1, most=1_000)
    after = parameters.number(request, "after", 0, least=0, most=2**62)
    state = _state(request)
    found = await reads.attempts.page(row.webhook_id, after, state, limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    following = paging.link(request, after=str(shown[-1].number)) if more else None
    page = AttemptPage(results=tuple(AttemptBody.of(each) for each in shown), next=following)
    return plain(request, _encoder.encode(page))


@get(project_paths(f"{ONE}parked/"), opt={**READ, **reads(ParkedPage)})
async def webhook_parked(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    caller: NamedDependency[Caller],
    webhook: FromPath[str],
) -> Response[bytes]:
    """The lanes that gave up: each waits to be retried or skipped."""
    fresh = await _found(request, reads, caller, webhook)
    return answer(request, _encoder.encode(ParkedPage.of(fresh.value.parked)), fresh)


def _state(request: AnyRequest) -> AttemptState | None:
    sent = parameters.text(request, "state")
    if not sent:
        return None
    known: AttemptState | None = next((each for each in _STATES if each == sent), None)
    if known is None:
        raise not_a_choice("state", sent)
    return known


async def _found(
    request: AnyRequest, reads: Reads, caller: Caller, reference: str
) -> FreshValue[WebhookRow]:
    """Raises Rejected 403, 404, 503."""
    require_administrator(caller)
    number = webhook_number(reference)
    if number is None:
        raise not_found()
    fresh = await reads.freshness.of(
        lambda: reads.webhooks.one(caller.team_id, number), parameters.at_least(request)
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    if fresh.value.row is None:
        raise not_found()
    return FreshValue(fresh.value.row, fresh.position, fresh.stale, fresh.state)


HANDLERS = [list_webhooks, get_webhook, webhook_attempts, webhook_parked]
