"""Views: appended blind, in a stream of the user's own, so that they move no insight."""

from collections.abc import Sequence

from contracts.events.recorded import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from services.command.handle import rank_of
from services.command.living import living_insights
from services.command.rights import hidden_from
from services.common.caller import Caller
from services.common.store import Append, EventStore, Part

VIEWABLE_AT_ONCE = 2_500


async def view_insights(
    store: EventStore, caller: Caller, insight_ids: Sequence[int]
) -> int | None:
    """The log's position after the views; None when none of the insights is there to be seen.

    Those that the caller may not see are as good as not there.
    """
    wanted = tuple(dict.fromkeys(insight_ids))
    living = await living_insights(store, caller.team_id, wanted)
    hidden = await hidden_from(store, caller, living)
    views = tuple(
        InsightViewed(insight_id=number, user_id=caller.user.id)
        for number in wanted
        if number in living and number not in hidden
    )
    if not views:
        return None
    stream = Stream(StreamKind.VIEWING, caller.team_id, caller.user.id)
    appended = await store.append(
        Append(
            parts=(Part(stream, None, views),),
            actor=caller.actor,
            operation_id=caller.operation_id,
            correlation_id=caller.correlation_id,
            rank=rank_of(caller),
        )
    )
    return appended.position
