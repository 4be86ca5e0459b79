"""Views: appended blind, in a stream of the user's own, so that they move no insight."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.events.streams import viewing_stream
from contracts.events.viewing import InsightViewed
from services.command.handle import KeyReused, Terms, planned, rank_of
from services.command.plans import require_unmoved
from services.command.rights import hidden_from, require_insight
from services.command.viewing.living import living_insights
from services.common.http.problems import not_found
from services.common.log.store import (
    Append,
    AppendPart,
    EventStore,
    NewReceipt,
    Receipt,
    ReceiptExists,
)

VIEWABLE_AT_ONCE = 2_500


class Seen(msgspec.Struct, frozen=True):
    """position: of the log after the views. operation_id: under which they were appended."""

    position: int
    operation_id: UUID


class Views:
    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def of_one(self, insight_id: int, terms: Terms) -> Seen:
        """The same for one insight. Raises Rejected too: 404 where it is not, 403 without the right
        to see it.
        """
        seen = await self._of((insight_id,), terms)
        if seen is not None:
            return seen
        (await require_insight(self._store, terms.caller, insight_id)).access.require("viewer")
        raise not_found()

    async def of(self, insight_ids: Sequence[int], terms: Terms) -> Seen | None:
        """None when none of the insights is there to be seen.

        Insights that the caller may not see are as good as not there. Under an Idempotency-Key it
        is done once and its repeats get the same answer. Raises KeyReused; Planned at a dry run;
        Rejected 412 where a plan's insights are not those that are there to be seen.
        """
        seen = await self._of(insight_ids, terms)
        if seen is None and terms.dry_run:
            raise await planned(self._store, terms, ())
        return seen

    async def _of(self, insight_ids: Sequence[int], terms: Terms) -> Seen | None:
        caller, receipt = terms.caller, terms.receipt
        if receipt is not None:
            before = await self._store.receipt(caller.team_id, caller.actor, receipt.key)
            if before is not None:
                return _as_before(before, receipt)
        wanted = tuple(dict.fromkeys(insight_ids))
        living = await living_insights(self._store, caller.team_id, wanted)
        hidden = await hidden_from(self._store, caller, living)
        views = tuple(
            InsightViewed(insight_id=number, user_id=caller.user.id)
            for number in wanted
            if number in living and number not in hidden
        )
        stream = viewing_stream(caller.team_id, caller.user.id)
        parts = (AppendPart(stream, None, views),) if views else ()
        if terms.plan is not None:
            require_unmoved(terms.plan, parts)
        if not views:
            return None
        if terms.dry_run:
            raise await planned(self._store, terms, parts)
        try:
            appended = await self._store.append(
                Append(
                    parts=parts,
                    actor=caller.actor,
                    operation_id=caller.operation_id,
                    correlation_id=caller.correlation_id,
                    receipt=receipt,
                    rank=rank_of(caller),
                )
            )
        except ReceiptExists as used:
            return _as_before(used.receipt, receipt)
        return Seen(appended.position, caller.operation_id)


def _as_before(first: Receipt, repeat: NewReceipt | None) -> Seen:
    if repeat is None or first.request_hash != repeat.request_hash:
        raise KeyReused
    return Seen(first.position, first.operation_id)
