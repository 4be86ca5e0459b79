"""Reading an insight's sharing configuration."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.sharing import SharingBody
from contracts.events.streams import sharing_stream
from contracts.references import InsightReference, insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.as_of import AS_OF
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import as_of, parameters
from services.query.http.answers import answer
from services.query.http.as_of import LogMoment
from services.query.http.insights_then import insight_number
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.read_position import FreshValue
from services.query.reads.sharing import FoundSharing

READ = {"scopes": ("sharing_configuration:read",)}

_encoder = msgspec.json.Encoder()


@get(
    project_paths("/insights/{insight:str}/sharing/"),
    opt={**READ, **reads(SharingBody, as_of=True)},
)
async def get_sharing(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight: FromPath[str],
) -> Response[bytes]:
    """Whether and how the insight is shared. Asking makes no share."""
    of = insight_reference(insight)
    if of is None:
        raise not_found("Insight not found.")
    fresh, moment = await _found(request, reads, caller, of)
    found = fresh.value
    if not found.exists:
        raise not_found("Insight not found.")
    if found.parked_at is not None:
        raise parked(found.parked_at)
    found.access.require("viewer")
    makers = await user_bodies(
        accounts, (password.created_by for password in (found.row.passwords if found.row else ()))
    )
    body = SharingBody.of(
        found.row,
        found.access_token,
        {number: user.email for number, user in makers.items()},
    )
    version = found.row.version if found.row else 0
    return answer(request, _encoder.encode(body), fresh, version=version, moment=moment)


async def _found(
    request: AnyRequest, reads: Reads, caller: Caller, of: InsightReference
) -> tuple[FreshValue[FoundSharing], LogMoment | None]:
    if AS_OF not in request.query_params:
        at_least = parameters.at_least(request)
        return await reads.freshness.of(lambda: reads.sharing.one(caller, of), at_least), None
    number = await insight_number(reads, caller, of)
    stream = sharing_stream(caller.team_id, number)
    moment = await as_of.asked(request, reads, caller.project, stream)
    position = as_of.position(moment) or 0
    fresh = await as_of.fresh(
        request, reads, lambda: reads.sharing.one_then(caller, number, position), moment
    )
    return fresh, moment


HANDLERS = [get_sharing]
