"""Sharing an insight: the switch, its settings, its token and its passwords."""

from litestar import Response, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.sharing import AddedPasswordBody, AddPassword, SharingBody, WriteSharing
from services.command.handle import Terms
from services.command.sharing.service import Sharing
from services.common.http.answers import nothing
from services.common.http.operations import plannable, writes
from services.common.http.paths import project_paths

WRITE = {"scopes": ("sharing_configuration:write",)}


@patch(
    project_paths("/insights/{insight:str}/sharing/"),
    opt={**WRITE, **plannable(writes(SharingBody))},
)
async def patch_sharing(
    sharing: NamedDependency[Sharing],
    insight_id: NamedDependency[int],
    sent: NamedDependency[WriteSharing],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Turn sharing on or off, change its settings; each switching on makes a new token."""
    return await sharing.answer(await sharing.change(insight_id, sent, terms))


@post(
    project_paths("/insights/{insight:str}/sharing/refresh/"),
    opt={**WRITE, **plannable(writes(SharingBody))},
    status_code=200,
)
async def refresh_sharing(
    sharing: NamedDependency[Sharing],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """A new token; the old one goes on working for the grace period."""
    return await sharing.answer(await sharing.rotate(insight_id, terms))


@post(
    project_paths("/insights/{insight:str}/sharing/passwords/"),
    opt={**WRITE, **plannable(writes(AddedPasswordBody, status=201))},
    status_code=201,
)
async def add_password(
    sharing: NamedDependency[Sharing],
    insight_id: NamedDependency[int],
    sent: NamedDependency[AddPassword],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Add a password; its text is in this answer and nowhere else."""
    added = await sharing.add_password(insight_id, sent, terms)
    return await sharing.answer_added(added, terms.caller)


@delete(
    project_paths("/insights/{insight:str}/sharing/passwords/{password:int}/"),
    opt={**WRITE, **plannable(writes(None, status=204))},
    status_code=204,
)
async def remove_password(
    sharing: NamedDependency[Sharing],
    insight_id: NamedDependency[int],
    password: FromPath[int],
    terms: NamedDependency[Terms],
) -> Response[None]:
    """From now on this password opens nothing."""
    outcome = await sharing.remove_password(insight_id, password, terms)
    return nothing(outcome.position, outcome.operation_id)


HANDLERS = [patch_sharing, refresh_sharing, add_password, remove_password]
