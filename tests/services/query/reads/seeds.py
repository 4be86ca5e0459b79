"""Insights of a list, each by the facts that it is made of."""

from typing import Any

import msgspec
from msgspec import Raw

from contracts.events.insight import InsightCreated
from contracts.events.recorded import DomainEvent, UserActor
from tests.examples import ALICE
from tests.services.projector.projecting import insight
from tests.services.query.reads.reading import Reading

SQL = Raw(b'{"kind":"DataVisualizationNode","source":{"kind":"HogQLQuery","query":"select 1"}}')
TRENDS = Raw(b'{"kind":"TrendsQuery","series":[]}')
LEGACY = Raw(b'{"insight":"FUNNELS"}')
EMPTY = Raw(b"{}")
NULL = Raw(b"null")


async def seed(api: Reading, *insights: tuple[DomainEvent, ...], by: UserActor = ALICE) -> None:
    """Insights 1, 2, 3 …: each the facts after its creation, or its creation among them."""
    for number, facts in enumerate(insights, start=1):
        first = facts[0] if facts and isinstance(facts[0], InsightCreated) else None
        creation = msgspec.structs.replace(
            first or InsightCreated(0, ""), insight_id=number, short_id=f"short{number:03}"
        )
        await api.projector.append(
            creation, *(facts[1:] if first else facts), of=insight(number), actor=by
        )
    await api.projector.catch_up()


def made(**fields: Any) -> InsightCreated:
    return InsightCreated(insight_id=0, short_id="", **fields)
