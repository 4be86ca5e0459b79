"""Why an actor is, or is not, in a step: its attempts, and what ended each of them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta

from contracts.api.funnel_filters import FunnelFilter, Text
from contracts.api.people import AnyActor, MatchedEvent
from contracts.api.times import Time

Outcome = Literal[
    "reported", "window_over", "spoilt", "order_broken", "overtaken", "converted_already", "open",
]  # fmt: skip


class EndedBy(msgspec.Struct, frozen=True):
    """The event that ended an attempt."""

    uuid: str
    event: str
    timestamp: Time


class ExplainedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """steps: taken one after the other, by which events.

    outcome: `reported` is the one that counts. `window_over` at `at`, `spoilt` by an exclusion,
    `order_broken` by an event that does not belong (strict), `overtaken` by a newer attempt that
    got to the same step, `converted_already`: the actor had all steps by then, `open`: its window
    runs until `at`. by: the event that ended it, then. detail: the same as a sentence.
    """

    steps: list[MatchedEvent]
    outcome: Outcome
    at: Time | None = None
    by: EndedBy | None = None
    detail: str


class ExplainedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the answer that the actor could be in: the only one, without a breakdown.

    counted_steps: that count the actor. reported: null when the actor counts nowhere.
    attempts: all others, the oldest first.
    """

    breakdown_value: Any = None
    counted_steps: list[int]
    reported: ExplainedAttempt | None
    attempts: list[ExplainedAttempt]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """events: of the actor that the funnel looks at. person: null without a record."""

    person: AnyActor | None
    events: int
    results: list[ExplainedRow]


class ExplainPerson(FunnelFilter, frozen=True, kw_only=True):
    """A funnel filter, and whom to explain it for."""

    person: Annotated[
        Text,
        Meta(description="A person's id or distinct id; a group's key; an expression's value."),
    ] = UNSET
