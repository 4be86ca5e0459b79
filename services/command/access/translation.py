"""From the body of a write to the command on access rules, and from the outcome to its answer."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar import Response

from contracts.api.access import AccessBody, AccessRuleBody, SetRuleBody, WriteAccess, joined
from contracts.api.insights import InsightBody
from contracts.events.access import AccessEvent, Grantee, Level
from contracts.events.recorded import Recorded
from contracts.events.streams import access_stream
from contracts.read_models.access import WHOLE_PROJECT, AccessRow, AccessRule
from domain.access.changes import changes
from domain.access.commands import SetAccess
from domain.access.decide import decide
from domain.access.view import view
from services.command.handle import Outcome, Prepare, Rules, Terms, handle_with
from services.command.rights import Held, access_row, allowed, held, require_insight
from services.command.told import told
from services.common.accounts.accounts import Accounts
from services.common.http.answers import nothing, resource
from services.common.http.caller import Caller
from services.common.http.etag import Told
from services.common.http.problems import forbidden, invalid
from services.common.insights.access import LEVELS, may_edit_rules
from services.common.insights.context import insight_context
from services.common.log.store import EventStore, Part


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


async def require_manager(
    store: EventStore, caller: Caller, insight_id: int, number: int
) -> tuple[Part, ...]:
    """What the right to change the rules rests on. number: the insight's, or WHOLE_PROJECT.

    Raises Rejected: 404 for no insight, 403 for no right to change its rules, or the project's.
    """
    found = await require_insight(store, caller, insight_id)
    found.access.require("viewer")
    if not may_edit_rules(found.access, await _whole(store, caller), number, caller):
        raise forbidden("You don't have permission to edit access levels here.")
    return found.grounds


async def set_access(
    store: EventStore, insight_id: int, number: int, command: SetAccess, terms: Terms
) -> Outcome[AccessEvent]:
    """insight_id: through which the rule is set. Raises as `handle_with`, `require_manager` do."""
    caller, stream = terms.caller, access_stream(terms.caller.team_id, number)
    prepare: Prepare[SetAccess, AccessEvent] = allowed(
        command, stream, lambda: require_manager(store, caller, insight_id, number)
    )
    return await handle_with(store, RULES, stream, prepare, terms)


async def access_answer(
    outcome: Outcome[AccessEvent],
    sent: WriteAccess,
    command: SetAccess | None,
    insight_id: int,
    store: EventStore,
    accounts: Accounts,
    caller: Caller,
) -> Response[bytes] | Response[None]:
    """The rules as every later read will show them; nothing after a rule was taken away.

    command: what the body asked for; None: a repeat, for which nothing was looked up.
    """
    if sent.access_level is None:
        return nothing(outcome.position)
    row = view(outcome.history)
    rule = None
    if row is not None and command is not None:
        rule = row.rule_of(command.grantee)
    elif row is not None:
        rule = _rule(row, sent.organization_member)
    if row is None or rule is None:
        raise ValueError("a rule that was just set is not there")
    # Deleted ones too: a repeat is answered as the first time.
    found = (await held(store, caller, (insight_id,)))[insight_id]
    shown = AccessRuleBody.of(row, rule)
    may_edit = may_edit_rules(found.access, await _whole(store, caller), row.insight_id, caller)
    body = joined(
        msgspec.json.encode(
            SetRuleBody(
                access_level=shown.access_level,
                resource_id=shown.resource_id,
                organization_member=shown.organization_member,
            )
        ),
        msgspec.json.encode(AccessBody.of(row, may_edit=may_edit)),
        await _insight(found, accounts, caller),
    )
    return resource(body, version=outcome.version, position=outcome.position)


def _rule(row: AccessRow, member: str | None) -> AccessRule | None:
    """The rule of the member that a body names; everyone's where it names none."""
    wanted = None if member is None else UUID(member)
    for rule in row.rules:
        if (None if rule.grantee is None else rule.grantee.member_id) == wanted:
            return rule
    return None


async def _insight(found: Held, accounts: Accounts, caller: Caller) -> bytes:
    context = await insight_context(accounts, caller, found.row, found.access)
    return msgspec.json.encode(InsightBody.of(found.row, context))


async def _whole(store: EventStore, caller: Caller) -> AccessRow | None:
    stream = access_stream(caller.team_id, WHOLE_PROJECT)
    return access_row(await store.load_all([stream]), stream)


def _changes_since(history: Sequence[Recorded[AccessEvent]], version: int) -> list[Told]:
    """What happened after `version`, in order, as a 412 tells it."""
    return [
        line | {"organization_member": grantee.member_id if grantee else None}
        for fact in history
        if fact.version > version
        for grantee in [fact.event.grantee]
        for line in told(fact, changes(fact.event))
    ]


RULES: Rules[AccessRow | None, SetAccess, AccessEvent] = Rules(decide, view, _changes_since)
