"""From the body of a write to the command on an insight's sharing, and back to its answer."""

import secrets

import msgspec
from litestar import Response
from msgspec import UNSET, Raw, UnsetType

from contracts.api.sharing import SharingBody
from contracts.events.sharing import (
    SharingEvent,
)
from contracts.events.streams import sharing_stream
from contracts.json import is_null
from contracts.read_models.sharing import SharingRow
from domain.sharing.changes import changes
from domain.sharing.commands import SharingCommand
from domain.sharing.decide import decide
from domain.sharing.view import view
from services.command.handle import Outcome, Prepare, Rules, Terms, handle_with
from services.command.numbers import Numbers
from services.command.rights import allowed, require_insight
from services.command.told import told_by
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import Caller
from services.common.http.problems import invalid
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore, Part

GENERATED_PASSWORD_LENGTH = 16
_THEMES = frozenset({b'"light"', b'"dark"', b'"system"'})
_SWITCHES = frozenset(
    {"whitelabel", "noHeader", "showInspector", "legend", "hideExtraDetails", "detailed"}
)


async def require_editor(store: EventStore, caller: Caller, insight_id: int) -> tuple[Part, ...]:
    """What the right to share it rests on.

    Raises Rejected 404 unless the insight is there to be shared, 403 without the right to.
    """
    found = await require_insight(store, caller, insight_id, "Insight not found.")
    found.access.require("editor")
    return found.grounds


async def change_sharing(
    store: EventStore, command: SharingCommand, terms: Terms
) -> Outcome[SharingEvent]:
    """Raises as `handle_with` and `require_editor` do."""
    caller, stream = terms.caller, sharing_stream(terms.caller.team_id, command.insight_id)
    prepare: Prepare[SharingCommand, SharingEvent] = allowed(
        command, stream, lambda: require_editor(store, caller, command.insight_id)
    )
    return await handle_with(store, RULES, stream, prepare, terms)


def known_settings(document: Raw | UnsetType) -> Raw | UnsetType:
    """The known keys of an object, or null. Raises Rejected 400 for anything else."""
    if document is UNSET or is_null(document):
        return document
    try:
        sent = msgspec.json.decode(document, type=dict[str, Raw])
    except msgspec.DecodeError as cause:
        raise invalid("settings", "invalid_input", "Expected a dictionary of items.") from cause
    kept: dict[str, Raw] = {}
    for name, value in sent.items():
        if name in _SWITCHES:
            if bytes(value) not in (b"true", b"false"):
                raise invalid(f"settings__{name}", "invalid_input", "Must be a valid boolean.")
            kept[name] = value
        elif name == "theme":
            if bytes(value) not in _THEMES:
                raise invalid(
                    "settings__theme", "invalid_choice", "theme is one of light, dark, system."
                )
            kept[name] = value
    return Raw(msgspec.json.encode(kept))


def generated_password() -> str:
    return secrets.token_urlsafe(GENERATED_PASSWORD_LENGTH)[:GENERATED_PASSWORD_LENGTH]


async def sharing_answer(
    outcome: Outcome[SharingEvent],
    caller: Caller,
    numbers: Numbers,
    accounts: Accounts,
    status: int = 200,
) -> Response[bytes]:
    """The sharing configuration as every later read will show it."""
    row = view(outcome.history)
    token = await numbers.share_token(row.token_id if row else None)
    makers = await user_bodies(
        accounts, (password.created_by for password in (row.passwords if row else ()))
    )
    emails = {number: user.email for number, user in makers.items()}
    return resource(
        msgspec.json.encode(SharingBody.of(row, token, emails)),
        version=outcome.version,
        position=outcome.position,
        status=status,
    )


RULES: Rules[SharingRow | None, SharingCommand, SharingEvent] = Rules(
    decide, view, told_by(changes)
)
