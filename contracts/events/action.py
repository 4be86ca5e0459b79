"""Facts of one action's stream. Each change records both sides.

`steps` is a JSON list of contracts.queries.actions.ActionStep, as it was sent and checked.
"""

from msgspec import Raw

from contracts.events.fact import Fact

NO_STEPS = Raw(b"[]")


class ActionCreated(Fact, frozen=True, tag="action.created.v1"):
    action_id: int
    name: str | None = None
    description: str = ""
    steps: Raw = NO_STEPS


class ActionRenamed(Fact, frozen=True, tag="action.renamed.v1"):
    name: str | None
    previous: str | None


class ActionDescribed(Fact, frozen=True, tag="action.described.v1"):
    description: str
    previous: str


class ActionStepsChanged(Fact, frozen=True, tag="action.steps_changed.v1"):
    steps: Raw
    previous: Raw


class ActionDeleted(Fact, frozen=True, tag="action.deleted.v1"):
    """Soft: funnels that name it are refused until it is restored."""


class ActionRestored(Fact, frozen=True, tag="action.restored.v1"):
    pass


ActionEvent = (
    ActionCreated
    | ActionRenamed
    | ActionDescribed
    | ActionStepsChanged
    | ActionDeleted
    | ActionRestored
)
