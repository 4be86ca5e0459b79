"""Makes and edits actions."""

import msgspec
from litestar import Response

from contracts.api.actions import ActionBody, WriteAction
from contracts.events.action import ActionEvent
from contracts.events.streams import action_stream
from domain.action.commands import ActionCommand
from domain.action.view import view
from services.command.actions.translation import RULES, checked, create_command, edit_command
from services.command.handle import Outcome, Terms, Write, given, handle, plain
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore

ActionWrite = Write[ActionCommand, ActionEvent]


class Actions:
    def __init__(self, store: EventStore, numbers: Numbers, accounts: Accounts) -> None:
        self._store = store
        self._numbers = numbers
        self._accounts = accounts

    async def create(self, sent: WriteAction, terms: Terms) -> Outcome[ActionEvent]:
        """Raises as `handle` and `checked` do."""
        sent, team_id = checked(sent), terms.caller.team_id

        async def begin() -> ActionWrite:
            number = await self._numbers.new_action(team_id)
            return plain(action_stream(team_id, number), create_command(sent, number))

        return await handle(self._store, RULES, begin, terms)

    async def edit(self, number: int, sent: WriteAction, terms: Terms) -> Outcome[ActionEvent]:
        """Raises as `handle` and `checked` do."""
        stream = action_stream(terms.caller.team_id, number)
        write: ActionWrite = plain(stream, edit_command(checked(sent)))
        return await handle(self._store, RULES, given(write), terms)

    async def answer(self, outcome: Outcome[ActionEvent], status: int = 200) -> Response[bytes]:
        """The action as every later read will show it."""
        row = view(outcome.history)
        if row is None:
            raise ValueError("an action without a history has no answer")
        users = await user_bodies(self._accounts, (row.created_by,))
        body = ActionBody.of(row, users.get(row.created_by or 0))
        return resource(
            msgspec.json.encode(body),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )
