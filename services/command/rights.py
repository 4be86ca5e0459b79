"""Insights as the log has them, with what the caller may do with each; exact, as writes need it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from contracts.api.insights import live_tiles
from contracts.events.access import AccessEvent
from contracts.events.insight import InsightEvent
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import (
    Stream,
    access_stream,
    dashboard_stream,
    insight_stream,
)
from contracts.read_models.access import WHOLE_PROJECT, AccessRow
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from domain.access.view import view as access_view
from domain.dashboard.view import view as dashboard_view
from domain.insight.view import view as insight_view
from services.command.handle import Command, Event, PreparedWrite, Write
from services.common.http.caller import Caller
from services.common.http.problems import not_found
from services.common.insights.access import Access, level_of, project_level, restricted
from services.common.log.store import AppendPart, EventStore, Pasts


class LoggedInsight(msgspec.Struct, frozen=True):
    """An insight that was ever made. row: what its facts make of it. grounds: of `access`."""

    past: Sequence[Recorded[InsightEvent]]
    row: InsightRow
    access: Access
    grounds: tuple[AppendPart, ...]


async def logged_insights(
    store: EventStore, caller: Caller, numbers: Iterable[int]
) -> dict[int, LoggedInsight]:
    """The insights of these numbers that were ever made in the project, deleted ones too, by
    number.

    Two round trips, the second for the dashboards they are on; one when there is none.
    """
    team_id = caller.team_id
    wanted = tuple(dict.fromkeys(numbers))
    if not wanted:
        return {}
    pasts = await store.load_all(
        [
            *(insight_stream(team_id, number) for number in wanted),
            *(access_stream(team_id, number) for number in wanted),
            access_stream(team_id, WHOLE_PROJECT),
        ]
    )
    rows = {
        number: (past, row)
        for number in wanted
        if (row := insight_view(past := pasts[insight_stream(team_id, number)]))
    }
    boards = await dashboards(
        store, team_id, {number for _, row in rows.values() for number in dashboards_of(row)}
    )
    return {
        number: LoggedInsight(
            past, row, access_to(row, boards, pasts, caller), grounds(row, boards, pasts, caller)
        )
        for number, (past, row) in rows.items()
    }


async def require_insight(
    store: EventStore, caller: Caller, number: int, detail: str = "Not found."
) -> LoggedInsight:
    """An insight in sight of the log. Raises Rejected 404, saying `detail`."""
    found = (await logged_insights(store, caller, (number,))).get(number)
    if found is None or found.row.deleted:
        raise not_found(detail)
    return found


async def hidden_from(store: EventStore, caller: Caller, numbers: Iterable[int]) -> frozenset[int]:
    """The numbers of the insights that the caller may not see. One round trip, and one for those
    that rules hide.
    """
    wanted = tuple(numbers)
    if caller.is_administrator or not wanted:
        return frozenset()
    team_id = caller.team_id
    whole_stream = access_stream(team_id, WHOLE_PROJECT)
    pasts = await store.load_all(
        [whole_stream, *(access_stream(team_id, number) for number in wanted)]
    )
    whole = access_row(pasts, whole_stream)
    ruled = [
        number
        for number in wanted
        if level_of(None, access_row(pasts, access_stream(team_id, number)), whole, caller)
        == "none"
    ]
    # Its creator sees it, whatever the rules say.
    found = await logged_insights(store, caller, ruled)
    return frozenset(number for number, each in found.items() if each.access.level == "none")


def access_to(
    row: InsightRow, boards: dict[int, DashboardRow], pasts: Pasts, caller: Caller
) -> Access:
    """boards: at least those that the insight is on."""
    own = access_row(pasts, access_stream(row.team_id, row.insight_id))
    whole = access_row(pasts, access_stream(row.team_id, WHOLE_PROJECT))
    on = [boards[number] for number in dashboards_of(row) if number in boards]
    return restricted(level_of(row.created_by, own, whole, caller), on, caller)


def grounds(
    row: InsightRow, boards: Mapping[int, DashboardRow], pasts: Pasts, caller: Caller
) -> tuple[AppendPart, ...]:
    """Checks of the streams that `access_to` rests on, as parts of the append that it allows: when
    a right is taken away between the look and the append, the write looks again.

    Empty for administrators, whose rank every append holds (`handle.rank_of`); without the rules
    for the insight's creator.
    """
    if caller.is_administrator:
        return ()
    team_id, user_id = row.team_id, caller.user.id
    on = [boards[number] for number in dashboards_of(row) if number in boards]
    closed = [
        AppendPart(dashboard_stream(team_id, board.dashboard_id), board.version, ())
        for board in on
        if board.created_by != user_id
    ]
    if row.created_by == user_id:
        return tuple(closed)
    rules = (access_stream(team_id, row.insight_id), access_stream(team_id, WHOLE_PROJECT))
    return (*(AppendPart(stream, len(pasts[stream]), ()) for stream in rules), *closed)


def together(
    own: Stream[DomainEvent], parts: Iterable[AppendPart], grounds: Iterable[AppendPart]
) -> list[AppendPart]:
    """The append's other parts: streams that get facts, and version checks on those that the right
    rests on. Of a stream there is one part in an append.
    """
    found = {part.stream: part for part in parts}
    for ground in grounds:
        if ground.stream != own:
            found.setdefault(ground.stream, ground)
    return list(found.values())


def allowed(
    stream: Stream[Event], command: Command, look: Callable[[], Awaitable[tuple[AppendPart, ...]]]
) -> Write[Command, Event]:
    """The command, round by round, once `look` finds the right to it.

    look: refuses, or gives what the right rests on.
    """

    async def prepare(_: Pasts) -> PreparedWrite[Command, Event]:
        grounds = await look()
        return PreparedWrite(command, lambda _: together(stream, (), grounds))

    return Write(stream, prepare)


def access_for_new(pasts: Pasts, caller: Caller) -> Access:
    """For an insight that is not made yet."""
    whole = access_row(pasts, access_stream(caller.team_id, WHOLE_PROJECT))
    return Access(project_level(whole, caller))


def grounds_for_new(pasts: Pasts, caller: Caller) -> tuple[AppendPart, ...]:
    """Checks of the streams that `access_for_new` rests on, as parts of the append."""
    if caller.is_administrator:
        return ()
    whole = access_stream(caller.team_id, WHOLE_PROJECT)
    return (AppendPart(whole, len(pasts[whole]), ()),)


async def dashboards(
    store: EventStore, team_id: int, numbers: Iterable[int]
) -> dict[int, DashboardRow]:
    """The dashboards of these numbers that were ever made in the project, by the log: one round
    trip, or none.
    """
    streams = [dashboard_stream(team_id, number) for number in dict.fromkeys(numbers)]
    if not streams:
        return {}
    pasts = await store.load_all(streams)
    return {
        stream.number: row
        for stream in streams
        if (row := dashboard_view(pasts[stream])) is not None
    }


def dashboards_of(row: InsightRow) -> tuple[int, ...]:
    """The dashboards that it is on, or comes back to when it is restored."""
    if row.deleted:
        return tuple(tile.dashboard_id for tile in row.tiles if not tile.deleted)
    return tuple(tile.dashboard_id for tile in live_tiles(row))


def access_row(pasts: Pasts, stream: Stream[AccessEvent]) -> AccessRow | None:
    return access_view(pasts[stream])
