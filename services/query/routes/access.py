"""Reading who may do what: with one insight, and with all of a project."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import replace

from contracts.api.access import AccessBody, joined
from contracts.api.insights import InsightBody
from contracts.read_models.access import WHOLE_PROJECT
from contracts.references import insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.access import level_of, may_edit_rules
from services.common.insights.context import insight_context
from services.query.http import as_of
from services.query.http.answers import answer
from services.query.http.insights_then import insight_number
from services.query.problems import parked
from services.query.reads.access_rules import FoundRules
from services.query.reads.all import Reads
from services.query.reads.read_position import Snapshot

READ = {"scopes": ("access_control:read",)}

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/insights/{insight:str}/access_controls/"),
    opt={**READ, **reads((AccessBody, InsightBody), as_of=True)},
)
async def get_access(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """The insight's rules, and the insight."""
    return await _rules(request, reads, accounts, caller, insight, whole=False)


@get(
    [
        *project_paths("/insights/{insight:str}/global_access_controls/"),
        # Its deprecated name.
        *project_paths("/insights/{insight:str}/resource_access_controls/"),
    ],
    opt={**READ, **reads((AccessBody, InsightBody), as_of=True)},
)
async def get_project_access(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """The rules for all insights of the project, and this insight."""
    return await _rules(request, reads, accounts, caller, insight, whole=True)


async def _rules(
    request: AnyRequest,
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
    insight: str,
    *,
    whole: bool,
) -> Response[bytes]:
    of = insight_reference(insight)
    if of is None:
        raise not_found()
    moment = await as_of.asked(request, reads, caller.project)
    read: Callable[[], Awaitable[Snapshot[FoundRules]]]
    if moment is None:
        read = partial(reads.access.one, caller, of)
    else:
        number = await insight_number(reads, caller, of)
        read = partial(reads.access.one_then, caller, number, moment.position)
    fresh = await as_of.fresh(request, reads, read, moment)
    found = fresh.value
    if found.insight is None:
        raise not_found()
    if found.parked_at is not None:
        raise parked(found.parked_at)
    found.access.require("viewer")
    row = found.whole if whole else found.own
    number = WHOLE_PROJECT if whole else found.insight.insight_id
    may_edit = may_edit_rules(found.access, found.whole, number, caller)
    access = found.access
    if moment is not None:
        # As the rules of then gave it; whether one may ask is today's.
        made_by = found.insight.created_by
        access = replace(access, level=level_of(made_by, found.own, found.whole, caller))
    context = await insight_context(accounts, caller, found.insight, access)
    body = joined(
        _encoder.encode(AccessBody.of(row, may_edit=may_edit)),
        _encoder.encode(InsightBody.of(found.insight, context)),
    )
    return answer(request, body, fresh, version=row.version if row else 0, moment=moment)


HANDLERS = [get_access, get_project_access]
