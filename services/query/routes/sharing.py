"""Reading an insight's sharing configuration."""

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.sharing import SharingBody
from contracts.references import insight_reference
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import parameters
from services.query.http.answers import answer
from services.query.problems import parked
from services.query.reads.all import Reads

READ = {"scopes": ("sharing_configuration:read",)}

_encoder = msgspec.json.Encoder()


@get(project_paths("/insights/{insight:str}/sharing/"), opt={**READ, **reads(SharingBody)})
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
    fresh = await reads.freshness.of(
        lambda: reads.sharing.one(caller, of), parameters.at_least(request)
    )
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
    return answer(request, _encoder.encode(body), fresh, version=version)


HANDLERS = [get_sharing]
