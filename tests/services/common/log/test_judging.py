"""Laws of the judgement over waiting appends: how they are grouped changes nothing."""

from datetime import UTC, datetime
from itertools import count, pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.chain import BEGINNING, Entry, verify
from domain.errors import ConcurrentEdit
from services.common.log.judging import (
    DAWN,
    Judgement,
    LogState,
    Outcome,
    PreparedAppend,
    judge,
    prepare,
)
from services.common.log.store import Append, AppendedFacts, Rank, RankLost, ReceiptExists
from tests.services.common.log.appends import append, insight, key, renamed, to

OURS = UUID(int=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def empty() -> LogState:
    return LogState(position=0, at=DAWN, versions={}, links={}, receipts={}, levels={(OURS, 7): 8})


def judged(groups: list[list[PreparedAppend]]) -> tuple[list[Outcome], list[Entry], LogState]:
    """Each group in a transaction of its own, on one log."""
    standing = empty()
    salts = count(1)
    outcomes: list[Outcome] = []
    entries: list[Entry] = []
    for group in groups:
        judgement: Judgement = judge(group, standing, NOON, lambda: next(salts).to_bytes(16, "big"))
        outcomes += judgement.outcomes
        entries += judgement.entries
    return outcomes, entries, standing


def told(outcomes: list[Outcome]) -> list[object]:
    """Outcomes in a form that can be compared."""
    return [
        outcome if isinstance(outcome, AppendedFacts) else (type(outcome), outcome.args)
        for outcome in outcomes
    ]


@st.composite
def appends(draw: st.DrawFn) -> Append:
    """Parts for two projects' few streams, often stale, sometimes blind, empty, keyed or ranked."""
    team_id = draw(st.sampled_from([1, 2]))
    parts = [
        to(
            insight(draw(st.integers(1, 3)), team_id),
            draw(st.none() | st.integers(0, 3)),
            *(renamed(str(n)) for n in range(draw(st.integers(0, 2)))),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]
    used = draw(st.none() | st.sampled_from(["a", "b"]))
    level = draw(st.none() | st.sampled_from([1, 8, 15]))
    return append(
        *parts,
        receipt=None if used is None else key(used),
        rank=None if level is None else Rank(OURS, 7, level),
    )


HISTORIES = st.lists(appends(), max_size=12)


@given(waiting=HISTORIES, cuts=st.lists(st.integers(0, 12), max_size=4))
def test_one_batch_or_many_come_to_the_same(waiting: list[Append], cuts: list[int]) -> None:
    prepared = [prepare(new) for new in waiting]
    edges = [0, *sorted(cuts), len(prepared)]
    groups = [prepared[start:end] for start, end in pairwise(edges)]
    together, apart = judged([prepared]), judged(groups)
    assert told(together[0]) == told(apart[0])
    assert together[1:] == apart[1:]


@given(waiting=HISTORIES)
def test_what_is_accepted_is_gapless_and_proves_itself(waiting: list[Append]) -> None:
    outcomes, entries, standing = judged([[prepare(new) for new in waiting]])
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    for team_id in (1, 2):
        of_team = [entry for entry in entries if entry.team_id == team_id]
        assert verify(of_team) == standing.links.get(team_id, BEGINNING)
    recorded = [
        fact
        for outcome in outcomes
        if isinstance(outcome, AppendedFacts)
        for fact in outcome.recorded
    ]
    assert [fact.position for fact in recorded] == [entry.position for entry in entries]


@given(waiting=HISTORIES)
def test_who_is_refused_leaves_no_trace(waiting: list[Append]) -> None:
    prepared = [prepare(new) for new in waiting]
    outcomes, entries, _ = judged([prepared])
    accepted = [
        each
        for each, outcome in zip(prepared, outcomes, strict=True)
        if isinstance(outcome, AppendedFacts)
    ]
    again, the_same, _ = judged([accepted])
    assert all(isinstance(outcome, AppendedFacts) for outcome in again)
    assert the_same == entries


@given(waiting=HISTORIES)
def test_a_key_has_one_effect(waiting: list[Append]) -> None:
    outcomes, _, _ = judged([[prepare(new) for new in waiting]])
    first: dict[tuple[int, str], AppendedFacts] = {}
    for new, outcome in zip(waiting, outcomes, strict=True):
        if new.receipt is None:
            continue
        used = (new.team_id, new.receipt.key)
        match outcome:
            case AppendedFacts():
                assert used not in first
                first[used] = outcome
            case ReceiptExists(receipt=receipt):
                assert receipt.position == first[used].position
            case ConcurrentEdit() | RankLost():
                assert used not in first


@given(waiting=HISTORIES)
def test_nobody_writes_above_their_rank(waiting: list[Append]) -> None:
    outcomes, _, _ = judged([[prepare(new) for new in waiting]])
    for new, outcome in zip(waiting, outcomes, strict=True):
        if new.rank is not None and new.rank.level > 8:
            assert isinstance(outcome, RankLost | ReceiptExists)
        else:
            assert not isinstance(outcome, RankLost)


def test_an_append_of_nothing_to_no_stream_is_refused() -> None:
    nothing = msgspec.structs.replace(append(to(insight(1), 0)), parts=())
    with pytest.raises(ValueError, match="at least one part"):
        prepare(nothing)
