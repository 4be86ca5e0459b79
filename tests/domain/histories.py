"""Histories that the rules themselves produced, so that no test argues about an impossible past."""

from hypothesis import strategies as st
from msgspec import UNSET, Raw

from contracts.events.insight import InsightEvent
from contracts.json import NULL
from contracts.read_models.insight import InsightRow
from domain.errors import NotFound
from domain.insight.commands import EditInsight, NewTile
from domain.insight.decide import decide
from domain.insight.view import view
from tests.examples import FUNNEL, created, recorded

texts = st.none() | st.sampled_from(["", "A", "Sign-ups", "käufe 🛒"])
documents = st.sampled_from([FUNNEL, Raw(b'{"kind":"HogQLQuery","query":"select 1"}')])
dashboards = st.lists(st.integers(1, 3), unique=True, max_size=3).map(
    lambda ids: tuple(NewTile(n, f"Dashboard {n}", 100 + n) for n in ids)
)
unset = st.just(UNSET)

edits = st.builds(
    EditInsight,
    name=unset | texts,
    derived_name=unset | texts,
    description=unset | texts,
    filters=unset | st.sampled_from([Raw(b"{}"), Raw(b'{"insight":"FUNNELS"}')]),
    query=unset | documents | st.just(NULL),
    order=unset | st.none() | st.integers(-5, 5),
    favorited=unset | st.booleans(),
    saved=unset | st.booleans(),
    tags=unset | st.lists(st.sampled_from(["a", "B", " c "]), max_size=3).map(tuple),
    dashboards=unset | dashboards,
    deleted=unset | unset | unset | st.booleans(),
)


def after(commands: list[EditInsight]) -> list[InsightEvent]:
    """What the rules make of the commands, one after the other, on an insight just created."""
    events: list[InsightEvent] = [created()]
    for command in commands:
        events += _allowed(command, view(recorded(events)))
    return events


def _allowed(command: EditInsight, insight: InsightRow | None) -> list[InsightEvent]:
    try:
        return decide(command, insight)
    except NotFound:
        return []
