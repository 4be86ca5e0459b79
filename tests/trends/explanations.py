"""Where the explanation of a number differs from the reference: in words; None if it doesn't."""

from collections import Counter
from collections.abc import Callable

import msgspec

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.query.events.oracle.reading import Reading
from services.query.events.oracle.world import Event
from services.query.insights.explained import Looked

People = list[tuple[str, int]]


async def explanation(
    clickhouse: ClickHouse,
    looked: Looked | None,
    reading: Reading,
    people: People,
    is_candidate: Callable[[Event], bool],
    *,
    once: bool = True,
) -> str | None:
    """people: behind the number, as the reference has them. is_candidate: whether the explanation
    has to look at an event. once: whether each event counts once in the people's numbers.
    Of a sample the world holds who is in it: looked at are the others, too, and fail.
    """
    if looked is None:
        return f"nothing is looked at, and behind the number are {people}" if people else None
    text = f"SELECT toString(uuid), toString(actor), failed, counts, note FROM ({looked.text})"
    rows = await clickhouse.query(Statement(text, looked.bindings.values))
    events = {str(event.uuid): event for event in reading.world.events}
    counted = Counter(str(actor) for _, actor, _, counts, _ in rows if counts)
    if (dict(counted) if once else set(counted)) != (dict(people) if once else set(dict(people))):
        return f"counted: told are {counted}, and the reference knows {people}"
    if passed := [uuid for uuid, _, failed, _, _ in rows if uuid not in events and not failed]:
        return f"of nobody in the sample, and passes: {passed}"
    rows = [row for row in rows if row[0] in events]
    told = [str(uuid) for uuid, *_ in rows]
    wanted = {uuid for uuid, event in events.items() if is_candidate(event)}
    if len(set(told)) != len(told) or set(told) != wanted:
        return f"looked at: {told}, not {wanted}"
    for uuid, _, failed, counts, note in rows:
        if counts and failed:
            return f"{uuid} counts, and does not pass"
        for place, test in enumerate(looked.tests, start=1):
            if test.condition is None or (failed and place > failed):
                continue
            passes = reading.passes(test.condition, events[str(uuid)])
            if passes == (place == failed):
                return f"{uuid}: told to fail test {failed}, but of {place} {test}"
        if not failed and not counts:
            reason, _ = looked.why(msgspec.json.decode(note))
            if reason == "not_counted":
                return f"{uuid} is left out for no reason"
    return None
