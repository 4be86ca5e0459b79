"""Random funnels over a world: valid ones only, of every order, view and attribution."""

from datetime import timedelta
from random import Random

import msgspec

from services.query.events.breakdown import PropertyKey
from services.query.events.conditions import ALWAYS, AnyCondition, EventNamed
from services.query.insights.funnels.plan import (
    Attribution,
    Breakdown,
    ByProperty,
    EachValue,
    FirstTouch,
    FunnelPlan,
    LastTouch,
    OfStep,
    Order,
)
from tests.funnels.stories import PLAN, START, Viz, funnel
from tests.funnels.worlds import UNRELATED, World

ORDERS: tuple[Order, ...] = ("ordered", "ordered", "strict", "unordered")
VIEWS: tuple[Viz, ...] = ("steps", "steps", "steps", "trends", "time_to_convert")
ATTRIBUTIONS: tuple[Attribution, ...] = (FirstTouch(), LastTouch(), EachValue(), OfStep(1))
TIER = PropertyKey("event", "tier")
LENGTHS = (2, 2, 3, 3, 4, 5, 8)


def make_plan(
    random: Random,
    world: World,
    team_id: int,
    *,
    order: Order | None = None,
    viz: Viz | None = None,
    steps: int | None = None,
) -> FunnelPlan:
    """order, viz, steps: left to chance when None."""
    n = steps or random.choice(LENGTHS)
    ordering: Order = random.choice(ORDERS) if order is None else order
    view: Viz = random.choice(VIEWS) if viz is None else viz
    last = world.unit_seconds * world.units
    # The whole history, or one that is cut at an event.
    late, early = (random.choice((0, 0, 0, 1, 2)) * world.unit_seconds for _ in range(2))
    since = random.randint(1, n - 1)
    plan = funnel(
        " ".join(_letters(random, world, n)),
        names=world.names,
        window=_window(random, world, n),
        optional=_optional(random, n) if ordering != "unordered" and view == "steps" else (),
        exclusions=_exclusions(random, world, ordering, n),
        order=ordering,
        viz=view,
        team_id=team_id,
        from_step=since,
        to_step=random.randint(since + 1, n),
        interval=random.choice(("hour", "hour", "day", "week")),
        timezone=random.choice(("UTC", "Europe/Berlin", "Asia/Kolkata")),
        bins=random.choice((None, None, 1, 5, 90)),
        date_from=START + timedelta(seconds=late, microseconds=0 if late else -1),
        date_to=START + timedelta(seconds=last - early),
        now=START + timedelta(seconds=last * random.choice((0.5, 1, 2))),
        week_starts_monday=random.random() < 0.5,
        hide_incomplete=random.random() < 0.2,
        filters=_filters(random, world),
    )
    breakdown = _breakdown(random, ordering, n) if view != "time_to_convert" else None
    return msgspec.structs.replace(plan, breakdown=breakdown)


def _filters(random: Random, world: World) -> AnyCondition:
    """Global filters: an event outside them does not exist, not even for a strict funnel."""
    if random.random() < 0.75:
        return ALWAYS
    return EventNamed(tuple(name for name in world.names if random.random() < 0.8))


def _letters(random: Random, world: World, n: int) -> list[str]:
    """Kinds in order, so that who walks gets far; or any, so that some are asked for twice."""
    if random.random() < 0.5:
        return [world.kinds[k % len(world.kinds)] for k in range(n)]
    letters = random.sample(world.kinds, min(n, len(world.kinds)))
    return [*letters, *random.choices(world.kinds, k=n - len(letters))]


def _window(random: Random, world: World, n: int) -> int:
    """Whole units: events often lie exactly one window apart. Long funnels need long windows."""
    wide = (1, 2, 5, 40) if n > 8 else (0, 0, 1, 2, 5)
    return max(1, random.choice((1, 1, 2, 3)) * (random.choice(wide) or 1)) * world.unit_seconds


def _optional(random: Random, n: int) -> list[int]:
    if random.random() < 0.75:
        return []
    return [k for k in range(2, n + 1) if random.random() < 0.4]


def _exclusions(random: Random, world: World, order: Order, n: int) -> list[tuple[str, int, int]]:
    """Exclusions of any kind, a step's own among them: filters can make that happen."""
    chosen = []
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        since = random.randint(0, n - 2)
        span = (0, n - 1) if order == "unordered" else (since, random.randint(since + 1, n - 1))
        chosen.append((random.choice([*world.kinds, UNRELATED, UNRELATED]), *span))
    return chosen


def _breakdown(random: Random, order: Order, n: int) -> Breakdown | None:
    if random.random() < 0.6:
        return None
    attribution = random.choice(ATTRIBUTIONS)
    if isinstance(attribution, OfStep) and order != "unordered":
        attribution = OfStep(random.randint(1, n))
    return ByProperty(
        keys=random.choice(((PLAN,), (PLAN,), (PLAN, TIER))),
        attribution=attribution,
        limit=random.choice((1, 2, 3, 25)),
    )
