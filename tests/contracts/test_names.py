"""What things are called: streams in the log, subjects on the bus, insights in paths."""

from itertools import product
from uuid import UUID

import pytest

from contracts.events.recorded import DomainEvent
from contracts.events.streams import (
    Stream,
    StreamKind,
    access_stream,
    account_stream,
    action_stream,
    audit_stream,
    bus_consumer_stream,
    cohort_stream,
    dashboard_stream,
    erasure_stream,
    history_stream,
    hold_stream,
    insight_stream,
    project_stream,
    share_login_stream,
    sharing_stream,
    viewing_stream,
    webhook_stream,
)
from contracts.references import InsightReference, insight_reference, number_in
from contracts.subjects import capture_stream, capture_subject, capture_subjects, fact_subject


def test_the_id_of_a_stream_is_for_good() -> None:
    assert insight_stream(1, 7).id == UUID("63d6fdd9-2fc5-566a-a5bc-fcc741f46af1")


def test_no_two_streams_have_one_id() -> None:
    streams: list[Stream[DomainEvent]] = [
        Stream(*each) for each in product(StreamKind, (1, 2, 11), (1, 2, 11))
    ]
    assert len({stream.id for stream in streams}) == len(streams) == len(StreamKind) * 9


def test_each_kind_of_thing_has_its_stream() -> None:
    made = [
        insight_stream(1, 7),
        sharing_stream(1, 7),
        viewing_stream(1, 7),
        share_login_stream(1, 7),
        access_stream(1, 7),
        dashboard_stream(1, 7),
        action_stream(1, 7),
        cohort_stream(1, 7),
        bus_consumer_stream(1, 7),
        erasure_stream(1, 7),
        hold_stream(1, 7),
    ]
    single = [project_stream(1), history_stream(1), audit_stream(1)]
    others = [*single, webhook_stream(1, 7), account_stream(-1)]
    assert {stream.kind for stream in (*made, *others)} == set(StreamKind)
    assert {(stream.team_id, stream.number) for stream in made} == {(1, 7)}
    assert {(stream.team_id, stream.number) for stream in single} == {(1, 0)}


def test_subjects_say_the_project_and_the_fact() -> None:
    assert fact_subject(1, "insight.renamed.v1") == "insights.1.insight.renamed.v1"
    assert capture_subject(1) == "capture.1"


def test_each_bucket_has_a_stream_and_the_first_the_name_from_before() -> None:
    assert (capture_stream(), capture_subjects()) == ("CAPTURE", "capture.>")
    assert (capture_stream(3), capture_subjects(3)) == ("CAPTURE_03", "capture_03.>")
    assert capture_subject(7, bucket=12) == "capture_12.7"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7", InsightReference(number=7)),
        ("12345678", InsightReference(number=12345678)),
        ("aB3dE6gH", InsightReference(short_id="aB3dE6gH")),
        ("aB3dE6g", None),
        ("aB3dE6g!", None),
        ("9" * 19, None),
        ("٧", None),
        ("", None),
    ],
)
def test_a_path_names_an_insight_by_number_or_short_id(
    text: str, found: InsightReference | None
) -> None:
    assert insight_reference(text) == found
    assert number_in(text) == (found.number if found else None)
