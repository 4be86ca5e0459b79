"""What is said of one fact alone."""

from pathlib import Path

import pytest
from msgspec import Raw

from contracts.codec import decode_event
from contracts.differences.single import single_sentences
from contracts.events.cohort import CohortPeopleAdded
from contracts.events.dashboard import DashboardRestricted, TileAdded
from contracts.events.insight import InsightAddedToDashboard, InsightQueryChanged, InsightUnsaved
from contracts.events.project import ProjectWeekStartChanged
from contracts.events.recorded import DomainEvent
from tests.examples import operation

FILES = sorted((Path(__file__).parents[1] / "corpus").glob("*.json"))
FUNNEL = '{"kind":"FunnelsQuery","series":[{"kind":"EventsNode","event":"%s"}]}'


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_fact_is_told_in_sentences(file: Path) -> None:
    said = single_sentences(decode_event(file.stem, file.read_bytes()))
    assert said
    assert all(each.endswith(".") for each in said)


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (
            InsightQueryChanged(
                Raw((FUNNEL % "paid").encode()), Raw((FUNNEL % "signed_up").encode())
            ),
            "Step 1 is now paid instead of signed_up.",
        ),
        (InsightUnsaved(), "No longer saved."),
        (InsightAddedToDashboard(3, 12, "Growth"), 'Put on dashboard "Growth" (12).'),
        (DashboardRestricted(37, 21), "Only its creator and administrators may edit it."),
        (TileAdded(3, 7), "Tile added: insight 7."),
        (CohortPeopleAdded((operation(1), operation(2))), "2 people added."),
        (ProjectWeekStartChanged(1, 0), "Weeks start on Monday instead of Sunday."),
    ],
)
def test_a_fact_says_what_a_comparison_of_rows_would(fact: DomainEvent, said: str) -> None:
    assert list(single_sentences(fact)) == [said]
