"""Checkers, by small histories: each law is broken once."""

import pytest

from services.projector.rebuild import RebuildResult
from tests.faults import checkers
from tests.faults.observed import Observed, Row
from tests.faults.operations import Creation, Edit, Fact, Gaps, Outcome, Read, View

CREATED = Fact(position=1, hash="aa", kind="create", insight=7, version=1, mark="made")


def renamed(mark: str, version: int) -> Fact:
    return Fact(position=version, hash="bb", kind="rename", insight=7, version=version, mark=mark)


def edit(mark: str, outcome: Outcome, *, expected: int = 1, status: int | None = None) -> Edit:
    version = expected + 1 if outcome == "acknowledged" else None
    return Edit(
        insight=7, mark=mark, expected=expected, outcome=outcome, version=version, status=status
    )


def registers(edits: list[Edit], *facts: Fact, row: Row | None = None) -> list[str]:
    rows = {} if row is None else {7: row}
    return list(checkers.registers(edits, [CREATED, *facts], rows))


def test_a_register_that_is_as_it_was_answered() -> None:
    edits = [edit("a", "acknowledged"), edit("b", "refused", status=412), edit("c", "doubtful")]
    assert registers(edits, renamed("a", 2), row=Row("a", 2)) == []
    assert registers([edit("c", "doubtful")], renamed("c", 2), row=Row("c", 2)) == []


@pytest.mark.parametrize(
    ("edits", "facts", "row", "complaint"),
    [
        ([edit("a", "acknowledged")], [], None, "0 times"),
        ([edit("a", "doubtful")], [renamed("a", 2), renamed("a", 3)], None, "2 times"),
        ([edit("a", "refused")], [renamed("a", 2)], None, "was refused and"),
        ([edit("a", "refused", status=412)], [], None, "had not moved"),
        ([edit("a", "acknowledged"), edit("b", "acknowledged")],
         [renamed("a", 2), renamed("b", 3)], None, "follows 2"),
        ([], [renamed("a", 2)], None, "nobody named"),
        ([edit("a", "acknowledged")], [renamed("a", 2)], Row("made", 1), "is read as made"),
    ],
)  # fmt: skip
def test_a_register_that_is_not(
    edits: list[Edit], facts: list[Fact], row: Row | None, complaint: str
) -> None:
    assert any(complaint in each for each in registers(edits, *facts, row=row))


def creations(wanted: list[Creation], *facts: Fact, told: list[str] | None = None) -> list[str]:
    marks = [fact.mark for fact in facts]
    seen = Observed(
        facts=list(facts),
        rows={},
        listed={fact.insight: fact.mark for fact in facts},
        created=marks if told is None else told,
        stream={},
        rebuilt=[],
    )
    return list(checkers.creations(wanted, seen))


def test_creations() -> None:
    made = Creation(mark="made", key=None, outcome="acknowledged")
    doubtful = Creation(mark="made", key="k", outcome="doubtful")
    assert creations([made], CREATED) == []
    assert creations([doubtful], CREATED) == creations([doubtful]) == []
    assert "created 0 times" in creations([made])[0]
    assert "created 2 times" in creations([doubtful], CREATED, CREATED)[0]
    assert "activity tells 0" in creations([made], CREATED, told=[])[0]


def test_views() -> None:
    fact = Fact(position=2, hash="bb", kind="view", insight=7)
    sent = [View(7, "acknowledged"), View(7, "doubtful"), View(7, "refused")]
    assert list(checkers.views(sent, [fact])) == list(checkers.views(sent, [fact, fact])) == []
    assert list(checkers.views(sent, [])) != []
    assert list(checkers.views(sent, [fact] * 3)) != []


def test_reads() -> None:
    def judged(version: int, *, position: bool, stale: bool) -> list[str]:
        read = Read(insight=7, wrote=5, version=version, position=position, stale=stale)
        return list(checkers.reads([read]))

    assert judged(5, position=True, stale=False) == []
    assert judged(4, position=False, stale=True) == []
    assert judged(4, position=True, stale=True) != []
    assert judged(4, position=False, stale=False) != []


def test_the_stream_has_each_fact_at_its_position() -> None:
    facts = [CREATED, renamed("a", 2)]
    assert list(checkers.transport(facts, {1: "aa", 2: "bb"})) == []
    assert list(checkers.transport(facts, {1: "aa"})) != []
    assert list(checkers.transport(facts, {1: "aa", 2: "aa", 3: "bb"})) != []


def test_a_rebuild_changes_nothing() -> None:
    result = RebuildResult(projection="insights", position=3, removed=0, written=0, parked=0)
    other = RebuildResult(projection="insights", position=3, removed=0, written=1, parked=0)
    assert list(checkers.rebuilds([result])) == []
    assert list(checkers.rebuilds([other])) != []


def test_a_gap_is_the_longest_time_without_an_answer() -> None:
    gaps = Gaps()
    assert gaps.longest("reads", 0, 10) is None
    gaps._kept["reads"] = [1, 2, 6, 7]
    assert gaps.longest("reads", 1, 8) == 4
    assert gaps.longest("reads", 3, 12) == 5
    assert gaps.longest("reads", 8, 9) == 2
