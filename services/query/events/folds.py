"""The periods of each actor's events, folded: a row per actor, and arrays of indexes.

The indexes of up to 256 periods are bits of one number; of more they are a sorted array.
"""

from collections.abc import Iterable, Mapping

from services.common.clickhouse.relation import Relation
from services.query.events.actors import AnyActor, PersonActor
from services.query.events.conditions import ALWAYS, AnyCondition
from services.query.events.source import Source

BITS = 256
"""Of so many periods a number can hold the indexes. Measured: as quick with 256 bits as with 64."""
SORTED = "arraySort(groupArray(toUInt16(i)))"
DISTINCT = "arraySort(groupUniqArray(toUInt16(i)))"
"""Aggregates over `i`, the index of an event's period."""


def mask(periods: int) -> str:
    """An aggregate over `i` too: a bit for each of so many periods, BITS at most."""
    width = next(width for width in (64, 128, 256) if periods <= width)
    return f"groupBitOr(bitShiftLeft(toUInt{width}(1), toUInt8(i)))"


def per_actor(
    source: Source,
    actor: AnyActor,
    conditions: Iterable[AnyCondition],
    index: str,
    sample: float | None,
    columns: Mapping[str, str] = {},
    /,
    **aggregates: str,
) -> Relation:
    """`actor` and the aggregates over its events in the source's range that meet the conditions.

    index: text of an event's `i`. sample: share of the actors that are looked at; None: all.
    columns: more of each event, for the aggregates.
    """
    read = {"actor": source.actor(actor), "i": index, **columns}
    tests = [*source.scopes(), *(source.condition(one) for one in conditions if one != ALWAYS)]
    if not isinstance(actor, PersonActor):
        tests.append(source.has_actor(actor))
    # Asked for last: what was asked before may have needed joins.
    counting = source.rows()
    for test in tests:
        counting = counting.where(test)
    counting = counting.only(**read).named("counting")
    if sample is not None:
        share = source.bindings.bind(int(sample * 2**64) - 1, "UInt64")
        counting = counting.where(f"cityHash64(actor) <= {share}")
    return counting.group("actor", **aggregates).named("folded")


# Sorted arrays

NONE = 65_535
"""No index of a period."""


def distinct(a: str) -> str:
    """The different numbers of a sorted array, ascending. a: a name."""
    return f"arrayFilter((x, before) -> x != before, {a}, arrayShiftRight({a}, 1, {NONE}))"


def counts_of(a: str) -> str:
    """The number of times that the array has each of its values, in the same order."""
    starts = (
        "arrayFilter((k, x, before) -> x != before,"
        f" arrayEnumerate({a}), {a}, arrayShiftRight({a}, 1, {NONE}))"
    )
    return f"arrayPopFront(arrayDifference(arrayPushBack({starts}, length({a}) + 1)))"
