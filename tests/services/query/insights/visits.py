"""Who visited a shop on three days, with records, and what is asked of them over HTTP."""

from collections.abc import Sequence
from typing import Any

from tests.services.query.people.shop import Event, happened, known, merged, ok, person_id
from tests.whole import Whole

DATES = {"date_from": "2024-01-10", "date_to": "2024-01-12"}
DAYS = ["2024-01-10", "2024-01-11", "2024-01-12"]
VISITS = {"kind": "EventsNode", "event": "visit"}
STICKINESS: dict[str, Any] = {"kind": "StickinessQuery", "series": [VISITS], "dateRange": DATES}
LIFECYCLE: dict[str, Any] = {"kind": "LifecycleQuery", "series": [VISITS], "dateRange": DATES}


async def visited(whole: Whole) -> None:
    """ada on all three days, bob on the first and the last, cy on the second, and the ghost, who
    has no record, on the day before and twice on the first. All were first seen on the first day.
    """
    await happened(
        whole,
        *(Event("visit", "ada", hours) for hours in (0, 24, 48)),
        *(Event("visit", "bob", hours) for hours in (1, 49)),
        Event("visit", "cy", 25),
        *(Event("visit", "ghost", hours) for hours in (-24, 2, 3)),
        Event("left", "cy", 26),
    )
    await known(whole, ada={"email": "ada@example.com"}, bob={"name": "Bob"}, cy={})


async def bob_is_ada(whole: Whole) -> None:
    await merged(whole, "bob", into="ada")


async def query(whole: Whole, node: dict[str, Any], **asked: Any) -> dict[str, Any]:
    return ok(await whole.client.post(f"{whole.root}query/", json={"query": node, **asked}))


async def behind(
    whole: Whole, source: dict[str, Any], *, kind: str = "InsightActorsQuery", **pointed: Any
) -> dict[str, int]:
    """Names of the people and their events, in order; of those without a record the id."""
    actors = {"kind": kind, "source": source, **pointed}
    select = ["id", "name", "event_count"]
    answer = await query(whole, {"kind": "ActorsQuery", "source": actors, "select": select})
    return {name or nameless(id_): events for id_, name, events in answer["results"]}


def nameless(id_: str) -> str:
    return next((who for who in ("ghost",) if str(person_id(who)) == id_), id_)


def data(answer: dict[str, Any]) -> list[Sequence[int]]:
    return [row["data"] for row in answer["results"]]
