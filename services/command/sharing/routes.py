"""Sharing an insight: the switch, its settings, its token and its passwords."""

import msgspec
from litestar import Response, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.sharing import AddedPasswordBody, AddPassword, SharingBody, WriteSharing
from contracts.api.times import written
from contracts.events.sharing import SharingEvent
from domain.sharing.commands import (
    AddSharePassword,
    ChangeSharing,
    RemoveSharePassword,
    RotateAccessToken,
)
from services.command.handle import Outcome, Terms, once
from services.command.numbers import Numbers
from services.command.settings import CommandSettings
from services.command.sharing.passwords import Passwords
from services.command.sharing.translation import (
    RULES,
    change_sharing,
    generated_password,
    known_settings,
    require_editor,
    sharing_answer,
)
from services.common.accounts.accounts import Accounts
from services.common.http.answers import nothing, resource
from services.common.http.body import read
from services.common.http.caller import Caller
from services.common.http.operations import writes
from services.common.http.paths import project_paths
from services.common.http.problems import invalid, not_found
from services.common.http.request import AnyRequest
from services.common.log.store import EventStore

WRITE = {"scopes": ("sharing_configuration:write",)}
SHORTEST_PASSWORD = 8


@patch(
    project_paths("/insights/{insight:str}/sharing/"),
    opt={**WRITE, **writes(WriteSharing, SharingBody)},
)
async def patch_sharing(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Turn sharing on or off, change its settings; each switching on makes a new token."""
    body = await read(request, WriteSharing)
    settings = known_settings(body.settings)

    async def change() -> Outcome[SharingEvent]:
        await require_editor(store, caller, insight_id)
        # Made for the case that this switches sharing on: a fact names only what exists.
        token = (
            await numbers.new_share_token(caller.team_id, insight_id)
            if body.enabled is True
            else None
        )
        command = ChangeSharing(
            insight_id=insight_id,
            token_id=token.id if token else 0,
            enabled=body.enabled,
            settings=settings,
            password_required=body.password_required,
        )
        return await change_sharing(store, command, terms)

    outcome = await once(store, terms, change)
    return await sharing_answer(outcome, caller, numbers, accounts)


@post(
    project_paths("/insights/{insight:str}/sharing/refresh/"),
    opt={**WRITE, **writes(None, SharingBody)},
    status_code=200,
)
async def refresh_sharing(
    store: NamedDependency[EventStore],
    numbers: NamedDependency[Numbers],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
    command_settings: NamedDependency[CommandSettings],
) -> Response[bytes]:
    """A new token; the old one goes on working for the grace period."""

    async def rotate() -> Outcome[SharingEvent]:
        await require_editor(store, caller, insight_id)
        token = await numbers.new_share_token(caller.team_id, insight_id)
        command = RotateAccessToken(
            insight_id=insight_id,
            token_id=token.id,
            grace_seconds=command_settings.token_grace_seconds,
        )
        return await change_sharing(store, command, terms)

    outcome = await once(store, terms, rotate)
    return await sharing_answer(outcome, caller, numbers, accounts)


@post(
    project_paths("/insights/{insight:str}/sharing/passwords/"),
    opt={**WRITE, **writes(AddPassword, AddedPasswordBody, status=201)},
    status_code=201,
)
async def add_password(
    request: AnyRequest,
    store: NamedDependency[EventStore],
    passwords: NamedDependency[Passwords],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Add a password; its text is in this answer and nowhere else."""
    body = await read(request, AddPassword)
    if body.raw_password is not None and len(body.raw_password) < SHORTEST_PASSWORD:
        raise invalid(
            "raw_password",
            "min_length",
            f"Ensure this field has at least {SHORTEST_PASSWORD} characters.",
        )
    password = body.raw_password or generated_password()

    async def add() -> Outcome[SharingEvent]:
        await require_editor(store, caller, insight_id)
        password_id = await passwords.add(caller.team_id, insight_id, password)
        command = AddSharePassword(
            insight_id=insight_id, password_id=password_id, note=body.note or None
        )
        return await change_sharing(store, command, terms)

    outcome = await once(store, terms, add)
    # Of a repeat: one that was made here the first time is known to nobody any more.
    shown = body.raw_password if outcome.replayed else password
    added = RULES.fold(outcome.history)
    if added is None or not added.passwords:
        raise not_found()
    newest = added.passwords[-1]
    answer = AddedPasswordBody(
        id=newest.id,
        password=shown,
        created_at=written(newest.created_at),
        note=newest.note,
        created_by_email=caller.user.email,
    )
    return resource(
        msgspec.json.encode(answer),
        version=outcome.version,
        position=outcome.position,
        status=201,
    )


@delete(
    project_paths("/insights/{insight:str}/sharing/passwords/{password:int}/"),
    opt={**WRITE, **writes(None, None, status=204)},
    status_code=204,
)
async def remove_password(
    store: NamedDependency[EventStore],
    passwords: NamedDependency[Passwords],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
    password: FromPath[int],
    terms: NamedDependency[Terms],
) -> Response[None]:
    """From now on this password opens nothing."""

    async def remove() -> Outcome[SharingEvent]:
        await require_editor(store, caller, insight_id)
        command = RemoveSharePassword(insight_id=insight_id, password_id=password)
        return await change_sharing(store, command, terms)

    outcome = await once(store, terms, remove)
    # After the fact: a hash without one is an orphan, a fact without its hash would be a lie.
    await passwords.remove(caller.team_id, password)
    return nothing(outcome.position)


HANDLERS = [patch_sharing, refresh_sharing, add_password, remove_password]
