"""Decides a command on an insight's sharing: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET

from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.json import NULL, same
from contracts.read_models.sharing import SharingRow
from domain.errors import NotFound, PasswordNotRequired, SharingOff
from domain.sharing.commands import (
    AddSharePassword,
    ChangeSharing,
    RemoveSharePassword,
    RotateAccessToken,
    SharingCommand,
)


def decide(command: SharingCommand, sharing: SharingRow | None) -> list[SharingEvent]:
    """Facts that follow; none when nothing would change. sharing: None when it was never shared.

    Raises SharingOff on rotating a token that is not there, PasswordNotRequired on adding a
    password that no visitor would need, NotFound on removing an unknown one.
    """
    match command:
        case ChangeSharing():
            return _change(command, sharing)
        case RotateAccessToken():
            if sharing is None or sharing.token_id is None:
                raise SharingOff
            return [
                AccessTokenRotated(
                    insight_id=command.insight_id,
                    token_id=command.token_id,
                    previous_token_id=sharing.token_id,
                    grace_seconds=command.grace_seconds,
                )
            ]
        case AddSharePassword():
            if sharing is None or not sharing.password_required:
                raise PasswordNotRequired
            return [SharePasswordAdded(command.insight_id, command.password_id, command.note)]
        case RemoveSharePassword():
            known = sharing.passwords if sharing else ()
            if all(password.id != command.password_id for password in known):
                raise NotFound
            return [SharePasswordRemoved(command.insight_id, command.password_id)]
        case _:
            assert_never(command)


def _change(command: ChangeSharing, sharing: SharingRow | None) -> list[SharingEvent]:
    number = command.insight_id
    enabled = sharing.enabled if sharing else False
    settings = sharing.settings if sharing else NULL
    required = sharing.password_required if sharing else False
    facts: list[SharingEvent] = []
    if command.settings is not UNSET and not same(command.settings, settings):
        facts.append(SharingSettingsChanged(number, command.settings, settings))
    if command.password_required is not UNSET and command.password_required != required:
        facts.append(
            SharingPasswordRequired(number)
            if command.password_required
            else SharingPasswordNotRequired(number)
        )
    if command.enabled is not UNSET and command.enabled != enabled:
        facts.append(
            SharingEnabled(number, command.token_id) if command.enabled else SharingDisabled(number)
        )
    return facts
