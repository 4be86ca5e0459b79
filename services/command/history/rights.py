"""The right to take an operation back: on each stream, that of the opposite command."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from contracts.events.dashboard import (
    DashboardDeleted,
    DashboardRestored,
    DashboardRestricted,
    TileAdded,
)
from contracts.events.insight import InsightAddedToDashboard, InsightRemovedFromDashboard
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.read_models.access import WHOLE_PROJECT, AccessRow
from contracts.read_models.dashboard import DashboardRow
from services.command.rights import LoggedInsight
from services.common.http.caller import Caller, require_administrator, require_scope
from services.common.http.problems import forbidden, not_found
from services.common.insights.access import may_edit_dashboard, may_edit_rules, owns, project_level

SCOPES: Mapping[StreamKind, str] = {
    StreamKind.INSIGHT: "insight:write",
    StreamKind.SHARING: "sharing_configuration:write",
    StreamKind.ACCESS: "access_control:write",
    StreamKind.DASHBOARD: "dashboard:write",
    StreamKind.ACTION: "action:write",
    StreamKind.COHORT: "cohort:write",
    StreamKind.PROJECT: "project:write",
    StreamKind.WEBHOOK: "webhook:write",
    StreamKind.BUS_CONSUMER: "webhook:write",
}

Touched = Mapping[Stream[DomainEvent], Sequence[DomainEvent]]
"""What the operations did, stream by stream."""


def require_scopes(touched: Touched, caller: Caller) -> None:
    """Raises Rejected 403 where the key may not write one of the kinds."""
    for scope in dict.fromkeys(SCOPES[each.kind] for each in touched if each.kind in SCOPES):
        require_scope(caller.key, scope)


class UndoRights:
    """insights, boards: all that the operations touched, as they are now. whole: the project's
    access rules.
    """

    def __init__(
        self,
        caller: Caller,
        touched: Touched,
        insights: Mapping[int, LoggedInsight],
        boards: Mapping[int, DashboardRow],
        whole: AccessRow | None,
    ) -> None:
        self._caller = caller
        self._touched = touched
        self._insights = insights
        self._boards = boards
        self._whole = whole
        self._moved_boards = {
            stream.number
            for stream, facts in touched.items()
            if any(isinstance(fact, DashboardDeleted | DashboardRestored) for fact in facts)
        }

    def require(self) -> None:
        """On all streams. Raises Rejected 403."""
        for stream, facts in self._touched.items():
            self._require(stream, facts)

    def _require(self, stream: Stream[DomainEvent], facts: Sequence[DomainEvent]) -> None:
        caller = self._caller
        match stream.kind:
            case StreamKind.INSIGHT:
                if not all(self._goes_with_a_board(fact) for fact in facts):
                    self._insight(stream.number).access.require("editor")
            case StreamKind.SHARING:
                self._insight(stream.number).access.require("editor")
            case StreamKind.ACCESS:
                self._require_manager(stream.number)
            case StreamKind.DASHBOARD:
                self._require_board(stream.number, facts)
            case StreamKind.PROJECT:
                if not caller.is_administrator:
                    raise forbidden("Only administrators of the organization change projects.")
            case StreamKind.WEBHOOK | StreamKind.BUS_CONSUMER:
                require_administrator(caller)
            case StreamKind.ACTION | StreamKind.COHORT:
                # Whoever has the key's scope may.
                pass
            case StreamKind.VIEWING | StreamKind.SHARE_LOGIN | StreamKind.HISTORY:
                # Never taken back.
                pass
            case StreamKind.AUDIT | StreamKind.ERASURE | StreamKind.HOLD | StreamKind.ACCOUNT:
                # Neither, and members do not see them.
                require_administrator(caller)
            case _:
                assert_never(stream.kind)

    def _goes_with_a_board(self, fact: DomainEvent) -> bool:
        """Whether it goes along with a dashboard that comes or goes: that one's right is enough."""
        moves = isinstance(fact, InsightAddedToDashboard | InsightRemovedFromDashboard)
        return moves and getattr(fact, "dashboard_id", None) in self._moved_boards

    def _insight(self, number: int) -> LoggedInsight:
        found = self._insights.get(number)
        if found is None:
            raise not_found()
        return found

    def _require_manager(self, number: int) -> None:
        if number == WHOLE_PROJECT:
            may = project_level(self._whole, self._caller) == "manager"
        else:
            access = self._insight(number).access
            may = may_edit_rules(access, self._whole, number, self._caller)
        if not may:
            raise forbidden("You don't have permission to edit access levels here.")

    def _require_board(self, number: int, facts: Sequence[DomainEvent]) -> None:
        # That a tile was added is not taken back.
        if all(isinstance(fact, TileAdded) for fact in facts):
            return
        row = self._boards[number]
        if not may_edit_dashboard(row.restriction_level, row.created_by, self._caller):
            raise forbidden("You don't have edit permissions for this dashboard.")
        restricts = any(isinstance(fact, DashboardRestricted) for fact in facts)
        if restricts and not owns(row.created_by, self._caller):
            raise forbidden("Only the dashboard owner and project admins may restrict it.")
