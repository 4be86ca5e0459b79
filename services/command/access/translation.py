"""From the body of a write to the command on access rules."""

from collections.abc import Sequence
from uuid import UUID

from contracts.api.access import WriteAccess
from contracts.events.access import AccessEvent, Grantee, Level
from contracts.events.recorded import Recorded
from contracts.read_models.access import WHOLE_PROJECT, AccessRow, AccessRule
from domain.access.changes import changes
from domain.access.commands import SetAccess
from domain.access.decide import decide
from domain.access.view import view
from services.command.change_lines import change_lines
from services.command.handle import Rules
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.problems import ChangeLine, invalid
from services.common.insights.access import LEVELS


async def access_command(
    body: WriteAccess, number: int, caller: Caller, accounts: Accounts
) -> SetAccess:
    """number: an insight's, or WHOLE_PROJECT. Raises Rejected 400 naming the field."""
    if body.role is not None and body.organization_member is not None:
        raise invalid("role", "invalid_input", "A rule is for a role or for a member, not both.")
    if body.role is not None:
        raise invalid(
            "role", "does_not_exist", f'Invalid pk "{body.role}" - object does not exist.'
        )
    return SetAccess(
        insight_id=None if number == WHOLE_PROJECT else number,
        grantee=await _grantee(body.organization_member, caller, accounts),
        level=_level(body.access_level),
    )


def _level(sent: str | None) -> Level | None:
    if sent is None or sent in LEVELS:
        return sent
    raise invalid(
        "access_level",
        "invalid_choice",
        f"Invalid access level. Must be one of: {', '.join(LEVELS)}",
    )


async def _grantee(sent: str | None, caller: Caller, accounts: Accounts) -> Grantee | None:
    if sent is None:
        return None
    try:
        member_id = UUID(sent)
    except ValueError as cause:
        raise invalid(
            "organization_member", "invalid_input", f'"{sent[:100]}" is not a valid UUID.'
        ) from cause
    for member in await accounts.members(caller.project.organization_id):
        if member.id == member_id:
            return Grantee(member.user_id, member.id)
    raise invalid(
        "organization_member",
        "does_not_exist",
        f'Invalid pk "{member_id}" - object does not exist.',
    )


def rule_of_member(row: AccessRow, member: str | None) -> AccessRule | None:
    """The rule of the member that a body names; everyone's where it names none."""
    wanted = None if member is None else UUID(member)
    for rule in row.rules:
        if (None if rule.grantee is None else rule.grantee.member_id) == wanted:
            return rule
    return None


def _changes_since(history: Sequence[Recorded[AccessEvent]], version: int) -> list[ChangeLine]:
    """The changes after `version`, in order: the lines of a 412."""
    return [
        line | {"organization_member": grantee.member_id if grantee else None}
        for fact in history
        if fact.version > version
        for grantee in [fact.event.grantee]
        for line in change_lines(fact, changes(fact.event))
    ]


RULES: Rules[AccessRow | None, SetAccess, AccessEvent] = Rules(decide, view, _changes_since)
