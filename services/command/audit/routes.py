"""Erasures and legal holds. Reads too: only this service knows how far an erasure has come."""

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.erasures import (
    ErasureBody,
    ErasurePage,
    ErasureTrial,
    HoldBody,
    HoldPage,
    WriteErasure,
    WriteHold,
)
from services.command.audit.erasures import Erasures
from services.command.audit.holds import Holds
from services.command.handle import Terms
from services.common.http.caller import Caller
from services.common.http.operations import plannable, shows, writes
from services.common.http.paths import number_in_path, project_paths

READ = {"scopes": ("activity_log:read",)}
WRITE = {"scopes": ("activity_log:write",)}


@post(
    project_paths("/audit/erasures/"),
    opt={**WRITE, **plannable(writes(ErasureBody, status=202), ErasureTrial)},
    status_code=202,
)
async def request_erasure(
    erasures: NamedDependency[Erasures],
    sent: NamedDependency[WriteErasure],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Have entries, a text, a user or a person erased, everywhere. Owners only."""
    return await erasures.request(sent, terms)


@get(project_paths("/audit/erasures/"), opt={**READ, **shows(ErasurePage)})
async def list_erasures(
    erasures: NamedDependency[Erasures], caller: NamedDependency[Caller]
) -> ErasurePage:
    """All erasures of the project, the newest first. Owners only."""
    return await erasures.all(caller)


@get(project_paths("/audit/erasures/{erasure:str}/"), opt={**READ, **shows(ErasureBody)})
async def get_erasure(
    erasures: NamedDependency[Erasures],
    erasure: FromPath[str],
    caller: NamedDependency[Caller],
) -> ErasureBody:
    """How far an erasure has come, what went, and what remains: its receipt. Owners only."""
    return await erasures.one(number_in_path(erasure), caller)


@post(
    project_paths("/audit/holds/"), opt={**WRITE, **writes(HoldBody, status=201)}, status_code=201
)
async def place_hold(
    holds: NamedDependency[Holds],
    sent: NamedDependency[WriteHold],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Keep what these users did, what is of these insights, or all of the project. Owners only."""
    return await holds.place(sent, terms)


@get(project_paths("/audit/holds/"), opt={**READ, **shows(HoldPage)})
async def list_holds(holds: NamedDependency[Holds], caller: NamedDependency[Caller]) -> HoldPage:
    """All legal holds of the project, lifted ones too, the newest first. Owners only."""
    return await holds.all(caller)


@delete(
    project_paths("/audit/holds/{hold:str}/"),
    opt={**WRITE, **writes(None, status=204)},
    status_code=204,
)
async def lift_hold(
    holds: NamedDependency[Holds],
    hold: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[None]:
    """End a hold: what it kept can be erased, and expires. Owners only."""
    return await holds.lift(number_in_path(hold), terms)


HANDLERS = [request_erasure, list_erasures, get_erasure, place_hold, list_holds, lift_hold]
