"""Entries of the activity log in OCSF 1.5.0."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec import Raw
from msgspec.structs import replace

from contracts.events.recorded import UserActor
from contracts.ocsf.activity import ToldActivity, of_activity
from contracts.read_models.activity import Change
from tests.contracts.ocsf.test_facts import NAMES
from tests.contracts.ocsf.validating import validated

RENAMED = ToldActivity(
    id=UUID("0b7c2a6e-2222-4222-8333-444455556666"),
    team_id=1,
    sequence=510,
    at=datetime(2026, 11, 30, 20, 41, 52, 404099, tzinfo=UTC),
    activity="updated",
    scope="Insight",
    item_id="7",
    name="Visit to sign-up",
    changes=(
        Change(action="changed", field="name", before=Raw(b'"Sign-ups"'), after=Raw(b'"Visit"')),
        Change(action="created", field="tags", before=Raw(b"null"), after=Raw(b'["a"]')),
    ),
    actor=UserActor(1, "cxiSkaznYyUIDflR"),
    operation_id=UUID("0b7c2a6e-1111-4222-8333-444455556666"),
)


def test_an_entry_names_the_thing_and_what_changed() -> None:
    event = validated(of_activity(RENAMED, NAMES))
    assert event["metadata"]["uid"] == str(RENAMED.id)
    assert event["time"] == 1796071312404
    assert event["entity"] == {"type": "Insight", "uid": "7", "name": "Visit to sign-up"}
    assert event["unmapped"] == {"changed_fields": ["name", "tags"]}
    assert "entity_result" not in event


def test_values_are_shown_on_demand() -> None:
    event = validated(of_activity(RENAMED, NAMES, include_values=True))
    assert event["entity"]["data"] == {"name": "Sign-ups", "tags": None}
    assert event["entity_result"]["data"] == {"name": "Visit", "tags": ["a"]}


@pytest.mark.parametrize(
    ("activity", "activity_id"),
    [("created", 1), ("updated", 3), ("deleted", 4), ("restored", 3), ("viewed", 2)],
)
def test_an_activity_is_what_ocsf_calls_it(activity: str, activity_id: int) -> None:
    told = replace(RENAMED, activity=activity, changes=None, name=None)
    event = validated(of_activity(told, NAMES, include_values=True))
    assert event["activity_id"] == activity_id
    assert event["unmapped"] == {"changed_fields": []}
