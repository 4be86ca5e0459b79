"""A legal hold, folded from its facts; and what it covers."""

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.audit import HoldEvent, HoldLifted, HoldPlaced
from contracts.events.recorded import Recorded
from contracts.read_models.erasure import HoldRow


def project(row: HoldRow | None, recorded: Recorded[HoldEvent]) -> HoldRow:
    event = recorded.event
    match event:
        case HoldPlaced():
            if row is not None:
                raise ValueError(f"hold {event.hold_id} was placed twice")
            return HoldRow(
                team_id=recorded.team_id,
                hold_id=event.hold_id,
                reason=event.reason,
                users=event.users,
                insights=event.insights,
                placed_by=recorded.user_id,
                placed_at=recorded.at,
                version=recorded.version,
            )
        case HoldLifted():
            if row is None:
                raise ValueError(f"hold {event.hold_id} was lifted and never placed")
            return replace(row, lifted_at=recorded.at, version=recorded.version)
        case _:
            assert_never(event)


def view(history: Iterable[Recorded[HoldEvent]]) -> HoldRow | None:
    """None: never placed."""
    return reduce(project, history, None)


def covering(
    holds: Sequence[HoldRow], users: Collection[int], insights: Collection[int]
) -> HoldRow | None:
    """The first of the holds that keeps what these users did, or what is of these insights.

    A hold on the whole project keeps everything.
    """
    return next(
        (
            hold
            for hold in holds
            if hold.lifted_at is None
            and (
                hold.whole_project
                or not set(hold.users).isdisjoint(users)
                or not set(hold.insights).isdisjoint(insights)
            )
        ),
        None,
    )
