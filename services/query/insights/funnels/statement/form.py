"""The plan, layout and window that every stage of a statement is written from."""

import msgspec

from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.statement.actors import Actors
from services.query.insights.funnels.statement.layout import Layout, layout_of


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """layout: of a packed event. window: the greatest difference of an event and a start that is
    within the window, bound. keeps_tangled: actors that need the full form pass through all stages,
    marked by the column `tangled`.
    """

    plan: FunnelPlan
    layout: Layout
    window: str
    keeps_tangled: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that identify an array; they pass through every stage."""
        value = () if self.plan.breakdown is None else ("value",)
        return ("actor", *value, *(("tangled",) if self.keeps_tangled else ()))

    @property
    def strict(self) -> bool:
        return self.plan.order == "strict"

    @property
    def has_optional(self) -> bool:
        return any(step.optional for step in self.plan.steps)

    def kept(self, test: str) -> str:
        """The test for an attempt's row; tangled actors have a row in any case, without times."""
        return f"({test} OR tangled)" if self.keeps_tangled else test

    def within(self, later: str, start: str) -> str:
        """Whether the event is in the window of the attempt."""
        return f"{later} - {start} <= {self.window}"


def form_of(actors: Actors, *, keeps_tangled: bool = False) -> Form:
    layout = layout_of(actors.plan)
    window = actors.bindings.bind(layout.span(window_us(actors.plan)), layout.type)
    return Form(plan=actors.plan, layout=layout, window=window, keeps_tangled=keeps_tangled)


def window_us(plan: FunnelPlan) -> int:
    return plan.window_seconds * 1_000_000
