"""Laws over histories that the rules produced."""

from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.codec import decode_recorded, encode_recorded
from domain.errors import NotFound
from domain.insight.commands import EditInsight
from domain.insight.decide import decide
from domain.insight.view import project, view
from tests.domain.histories import after, edits
from tests.examples import recorded

histories = st.lists(edits, max_size=12)


@given(histories)
def test_what_is_decided_survives_storage(commands: list[EditInsight]) -> None:
    history = recorded(after(commands))
    stored = [decode_recorded(encode_recorded(fact)) for fact in history]
    assert stored == history


@given(histories, edits)
def test_asking_twice_changes_nothing_more(commands: list[EditInsight], again: EditInsight) -> None:
    events = after(commands)
    try:
        events += decide(again, view(recorded(events)))
    except NotFound:
        assume(False)
    insight = view(recorded(events))
    assert insight is not None
    assume(not insight.deleted)
    assert decide(again, insight) == []


@given(histories, st.data())
def test_folding_in_two_parts_gives_the_same_row(
    commands: list[EditInsight], data: st.DataObject
) -> None:
    history = recorded(after(commands))
    cut = data.draw(st.integers(1, len(history)))
    row = view(history[:cut])
    for fact in history[cut:]:
        row = project(row, fact)
    assert row == view(history)
