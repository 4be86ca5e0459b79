"""Changes access rules: of one insight, and of all insights of a project."""

import msgspec
from litestar import Response

from contracts.api.access import AccessBody, AccessRuleBody, SetRuleBody, WriteAccess, joined
from contracts.api.insights import InsightBody
from contracts.events.access import AccessEvent
from contracts.events.streams import access_stream
from contracts.read_models.access import WHOLE_PROJECT, AccessRow
from domain.access.commands import SetAccess
from domain.access.view import view
from services.command.access.translation import RULES, access_command, rule_of_member
from services.command.handle import Outcome, Terms, Write, handle
from services.command.rights import (
    LoggedInsight,
    access_row,
    allowed,
    logged_insights,
    require_insight,
)
from services.common.accounts.accounts import Accounts
from services.common.http.answers import nothing, resource
from services.common.http.caller import Caller
from services.common.http.problems import forbidden
from services.common.insights.access import may_edit_rules
from services.common.insights.context import insight_context
from services.common.log.store import AppendPart, EventStore

AccessWrite = Write[SetAccess, AccessEvent]


class RuleSet(msgspec.Struct, frozen=True):
    """A rule that was set through an insight. command: what the body came to; None for a repeat."""

    outcome: Outcome[AccessEvent]
    insight_id: int
    sent: WriteAccess
    command: SetAccess | None


class AccessRules:
    def __init__(self, store: EventStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def set(
        self, insight_id: int, sent: WriteAccess, terms: Terms, *, whole_project: bool = False
    ) -> RuleSet:
        """A rule of the insight; whole_project: of the project, through the insight.

        Raises as `handle`, `require_manager` and `access_command` do.
        """
        caller = terms.caller
        number = WHOLE_PROJECT if whole_project else insight_id
        command: SetAccess | None = None

        async def begin() -> AccessWrite:
            nonlocal command
            await require_manager(self._store, caller, insight_id, number)
            command = await access_command(sent, number, caller, self._accounts)
            return access_write(self._store, caller, insight_id, command)

        outcome = await handle(self._store, RULES, begin, terms)
        return RuleSet(outcome, insight_id, sent, None if outcome.replayed else command)

    async def answer(self, done: RuleSet, caller: Caller) -> Response[bytes] | Response[None]:
        """The rules as every later read will show them; nothing after a rule was taken away."""
        outcome, sent, command = done.outcome, done.sent, done.command
        if sent.access_level is None:
            return nothing(outcome.position, outcome.operation_id)
        row = view(outcome.history)
        rule = None
        if row is not None and command is not None:
            rule = row.rule_of(command.grantee)
        elif row is not None:
            rule = rule_of_member(row, sent.organization_member)
        if row is None or rule is None:
            raise ValueError("a rule that was just set is not there")
        # Deleted ones too: a repeat is answered as the first time.
        found = (await logged_insights(self._store, caller, (done.insight_id,)))[done.insight_id]
        shown = AccessRuleBody.of(row, rule)
        whole = await _whole(self._store, caller)
        may_edit = may_edit_rules(found.access, whole, row.insight_id, caller)
        body = joined(
            msgspec.json.encode(
                SetRuleBody(
                    access_level=shown.access_level,
                    resource_id=shown.resource_id,
                    organization_member=shown.organization_member,
                )
            ),
            msgspec.json.encode(AccessBody.of(row, may_edit=may_edit)),
            await self._insight(found, caller),
        )
        return resource(
            body,
            version=outcome.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
        )

    async def _insight(self, found: LoggedInsight, caller: Caller) -> bytes:
        context = await insight_context(self._accounts, caller, found.row, found.access)
        return msgspec.json.encode(InsightBody.of(found.row, context))


async def require_manager(
    store: EventStore, caller: Caller, insight_id: int, number: int
) -> tuple[AppendPart, ...]:
    """The append's parts that the right to change the rules rests on. number: the insight's, or
    WHOLE_PROJECT.

    Raises Rejected: 404 for no insight, 403 for no right to change its rules, or the project's.
    """
    found = await require_insight(store, caller, insight_id)
    found.access.require("viewer")
    if not may_edit_rules(found.access, await _whole(store, caller), number, caller):
        raise forbidden("You don't have permission to edit access levels here.")
    return found.grounds


def access_write(
    store: EventStore, caller: Caller, insight_id: int, command: SetAccess
) -> AccessWrite:
    """The command, in each round once the right to it is found.

    insight_id: through which the rule is set.
    """
    number = WHOLE_PROJECT if command.insight_id is None else command.insight_id
    stream = access_stream(caller.team_id, number)
    return allowed(stream, command, lambda: require_manager(store, caller, insight_id, number))


async def _whole(store: EventStore, caller: Caller) -> AccessRow | None:
    stream = access_stream(caller.team_id, WHOLE_PROJECT)
    return access_row(await store.load_all([stream]), stream)
