"""One plan for each form a funnel's statement takes, and the rule that the form answers to.

The statements stand in the files of `golden`, and on docs/statements.md, which is made of them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from services.common.clickhouse.statement import Statement
from services.query.events.conditions import PropertyIs
from services.query.insights.funnels.correlation.question import OfEvents, OfRecords
from services.query.insights.funnels.correlation.statement import compile_correlation
from services.query.insights.funnels.people.selection import AtStep
from services.query.insights.funnels.people.statement import compile_actors
from services.query.insights.funnels.plan import (
    Attribution,
    ByCohort,
    ByProperty,
    EachValue,
    FunnelPlan,
    LastTouch,
    OfStep,
    TimesView,
)
from services.query.insights.funnels.statement.funnel import compile_comparison, compile_funnel
from tests.funnels.stories import BY_PROPERTY, funnel

FOLDER = Path(__file__).parent / "golden"
PAGE = Path(__file__).parents[5] / "docs" / "statements.md"


class Golden(msgspec.Struct, frozen=True):
    """heading: also the file's name. section: of funnels.md. rule: in words.

    plan: one of the form.
    """

    heading: str
    section: int
    rule: str
    plan: FunnelPlan
    compiled: Callable[[FunnelPlan], Statement]

    @property
    def file(self) -> Path:
        return FOLDER / f"{'_'.join(self.heading.lower().replace(',', '').split())}.sql"

    @property
    def text(self) -> str:
        """The statement, under the values of its bindings."""
        statement = self.compiled(self.plan)
        values = [f"-- {name} = {_short(value)}" for name, value in statement.parameters.items()]
        return "\n".join([*values, statement.text, ""])


def _short(value: object) -> str:
    """A long list by its ends."""
    if isinstance(value, list) and len(value) > 6:
        return f"[{value[0]!r}, {value[1]!r}, … {len(value)} in all …, {value[-1]!r}]"
    return repr(value)


def _plain(plan: FunnelPlan) -> Statement:
    return compile_funnel(plan, has_overrides=False)


def _by(attribution: Attribution) -> ByProperty:
    return msgspec.structs.replace(BY_PROPERTY, attribution=attribution)


def _first_time() -> FunnelPlan:
    plan = funnel("A B")
    first, *others = plan.steps
    first = msgspec.structs.replace(first, first_time="first_time_for_user")
    return msgspec.structs.replace(plan, steps=(first, *others))


COHORTS = ByCohort(((0, "all users"), (7, "Paying")))
TIMES = TimesView(from_step=1, to_step=2)
PAYING = PropertyIs(type="person", key="plan", operator="exact", values=("paying",))


def goldens() -> Iterator[Golden]:
    yield Golden(
        "Ordered",
        5,
        "A first-step event begins an attempt. Each later step carries on the newest attempt that "
        "stands before it, by the earliest event, while a window from the attempt's first event "
        "has not passed. Of the deepest attempts the first is reported.",
        funnel("A B C"),
        _plain,
    )
    yield Golden(
        "Ordered, many steps",
        5,
        "The same; the steps after the third are one fold, so that the text does not grow.",
        funnel("A B C D E F"),
        _plain,
    )
    yield Golden(
        "Ordered, one event as two steps",
        5,
        "One event never takes two steps of an attempt. Where unlike events share an instant, only "
        "uuids tell: such actors go through the full form, all others through the quick one.",
        funnel("A B A"),
        _plain,
    )
    yield Golden(
        "Strict",
        5,
        "Every event that enters is looked at, and one that is not the step ends what stood there.",
        funnel("A B C", order="strict"),
        _plain,
    )
    yield Golden(
        "Unordered",
        5,
        "The most different steps inside one window: a queue per step, and the oldest event leaves "
        "first.",
        funnel("A B C", order="unordered"),
        _plain,
    )
    yield Golden(
        "Exclusions",
        5,
        "An exclusion spoils the attempt in whose window it lies, if that stands before one of the "
        "exclusion's steps; an actor whose deepest attempt is spoilt is in no step at all.",
        funnel("A B C", names=("X",), exclusions=[("X", 0, 2)]),
        _plain,
    )
    yield Golden(
        "Optional steps",
        5,
        "A step carries on from the nearest step before it that somebody stands at, past optional "
        "ones; an optional step counts, but has no time of its own.",
        funnel("A B C D", optional=[2]),
        _plain,
    )
    yield Golden(
        "Exclusion after an optional step",
        5,
        "Whether an attempt passed the optional step over may depend on others that are spoilt: "
        "actors with such an exclusion are taken event by event, all others in stages.",
        funnel("A B C", optional=[2], names=("X",), exclusions=[("X", 1, 2)]),
        _plain,
    )
    yield Golden(
        "First time",
        3,
        "Only the person's first event of the name, over all history, can be the step; if it lies "
        "in the range, and passes the step's filters.",
        _first_time(),
        _plain,
    )
    yield Golden(
        "Breakdown by first touch",
        6,
        "An actor has one value: that of its earliest event with any part that is not empty.",
        funnel("A B", breakdown=BY_PROPERTY),
        _plain,
    )
    yield Golden(
        "Breakdown by last touch",
        6,
        "An actor has one value: that of its latest event with any part that is not empty.",
        funnel("A B", breakdown=_by(LastTouch())),
        _plain,
    )
    yield Golden(
        "Breakdown by every value",
        6,
        "A funnel per value, over the events that have it.",
        funnel("A B", breakdown=_by(EachValue())),
        _plain,
    )
    yield Golden(
        "Breakdown by the value at a step",
        6,
        "A funnel per value of the events that match the step: all events count in it, but the one "
        "that takes the step must have the value.",
        funnel("A B", breakdown=_by(OfStep(2))),
        _plain,
    )
    yield Golden(
        "Breakdown by cohort",
        6,
        "The funnel of each cohort's members; everybody is one of them.",
        funnel("A B", breakdown=COHORTS, cohorts=((7, PAYING),)),
        _plain,
    )
    yield Golden(
        "Trends",
        7,
        "An actor counts once in each period that it enters in, as converted if any of its entries "
        "there got to the last step.",
        funnel("A B C", viz="trends", interval="month"),
        _plain,
    )
    yield Golden(
        "Trends with exclusions",
        7,
        "An entry whose deepest step was struck has no row; one that got there spoilt loses "
        "all of the actor's entries that did not convert.",
        funnel("A B C", viz="trends", interval="month", names=("X",), exclusions=[("X", 0, 2)]),
        _plain,
    )
    yield Golden(
        "Time to convert",
        7,
        "A histogram of the times between two steps: as many bins as the cube root of the sample, "
        "of whole seconds.",
        funnel("A B C", viz="time_to_convert"),
        _plain,
    )
    yield Golden(
        "Time to convert, two periods",
        7,
        "Two periods share their bins, which are made from both samples.",
        funnel("A B", view=TIMES),
        lambda plan: compile_comparison(TIMES, plan, plan, has_overrides=False),
    )
    yield Golden(
        "People who dropped out before a step",
        10,
        "The people behind a count are the count: the same relation, one filter more.",
        funnel("A B C"),
        lambda plan: compile_actors(plan, AtStep(step=-3), has_overrides=True, limit=100),
    )
    yield Golden(
        "Correlation with events",
        9,
        "An actor has the names of the events strictly between its first step and its last, or the "
        "end of its window; the best ten of each side have a row.",
        funnel("A B"),
        lambda plan: compile_correlation(plan, OfEvents(), has_overrides=False),
    )
    yield Golden(
        "Correlation with properties",
        9,
        "Every actor with the first step has the properties of its record as it is now; a missing "
        "one is a value.",
        funnel("A B"),
        lambda plan: compile_correlation(plan, OfRecords(("plan",)), has_overrides=False),
    )


def page() -> str:
    """docs/statements.md, from the plans and what is made of them."""
    parts = [_HEAD]
    for golden in goldens():
        parts.append(f"## {golden.heading}\n\n{golden.rule} (Section {golden.section}.)\n")
        parts.append(f"```sql\n{golden.text}```\n")
    return "\n".join(parts)


_HEAD = """# The statements of funnels

One for each form, as the engine gets it, under the values of its bindings; sections are those of
the specification of funnels. This page is made of the files in
`tests/services/query/insights/funnels/golden`, which a test compares with what the code renders.
After a change, `pytest tests/services/query/insights/funnels/test_goldens.py --update` writes both
anew, and the diff shows what moved.
"""
