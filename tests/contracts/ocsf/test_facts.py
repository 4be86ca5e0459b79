"""Facts in OCSF 1.5.0: each validates against OCSF's own schema, and says what the table says."""

from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from contracts.codec import encode_event, stored_name
from contracts.events.insight import (
    InsightDescribed,
    InsightQueryChanged,
    InsightRenamed,
    InsightTagged,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharingSettingsChanged
from contracts.events.webhook import WebhookLaneParked
from contracts.ocsf.base import Names, Person, Thing
from contracts.ocsf.facts import of
from tests.contracts.ocsf.validating import validated
from tests.contracts.test_cloud_events import entry

FILES = sorted((Path(__file__).parents[1] / "corpus").glob("*.json"))
INSTALLATION = UUID("6b1c0000-0000-4000-8000-000000000001")
NAMES = Names(
    installation=INSTALLATION,
    product_version="0.1.0",
    things={
        "insight/1": Thing("Visit to sign-up", "H81rn7Ij"),
        "sharing/1": Thing("Visit to sign-up", "H81rn7Ij"),
    },
    users={1: Person("Me", "me@recount.example")},
)
OTHERS = {
    "account.key_created": (3004, 1, 2),
    "account.key_revoked": (3004, 4, 1),
    "account.member_added": (3001, 1, 2),
    "account.member_rank_changed": (3005, 1, 2),
    "account.member_removed": (3005, 2, 2),
    "account.project_created": (3004, 1, 1),
    "account.user_erased": (3001, 6, 2),
    "audit.payload_erased": (3004, 4, 2),
    "sharing.enabled": (3004, 8, 2),
    "sharing.disabled": (3004, 9, 1),
    "access.granted": (3005, 1, 2),
    "access.revoked": (3005, 2, 2),
    "viewing.insight_viewed": (3004, 2, 1),
    "viewing.share_login_succeeded": (3002, 1, 1),
    "viewing.share_login_failed": (3002, 1, 2),
}
DEFAULTS = {"created": (3004, 1, 1), "deleted": (3004, 4, 1)}


def told(name: str, payload: bytes, names: Names = NAMES, **changed: Any) -> dict[str, Any]:
    subject = "sharing/1" if name.startswith("sharing.") else "insight/1"
    return validated(of(replace(entry(name, payload), subject=subject, **changed), names))


def of_fact(fact: DomainEvent, **changed: Any) -> dict[str, Any]:
    return told(stored_name(fact), encode_event(fact), **changed)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_fact_is_of_its_class_and_valid(file: Path) -> None:
    name = file.stem.rpartition(".")[0]
    wanted = OTHERS.get(name) or DEFAULTS.get(name.rpartition(".")[2], (3004, 3, 1))
    payload = file.read_bytes().strip()
    for names in (NAMES, Names(installation=INSTALLATION, product_version="0.1.0")):
        event = told(file.stem, payload, names)
        found = (event["class_uid"], event["activity_id"], event["severity_id"])
        assert found == wanted
        assert event["type_uid"] == wanted[0] * 100 + wanted[1]
        assert event["category_uid"] == wanted[0] // 1_000
        assert event["unmapped"]["data"] == msgspec.json.decode(payload)
        assert event["metadata"]["event_code"] == file.stem
        if (event["class_uid"], event["activity_id"]) == (3004, 3):
            assert event["comment"].endswith(".")


def test_an_event_says_who_what_when_and_where_it_is_proved() -> None:
    event = of_fact(InsightRenamed("Visit to sign-up", "Sign-ups"))
    stored = entry(
        "insight.renamed.v1", encode_event(InsightRenamed("Visit to sign-up", "Sign-ups"))
    )
    assert event == {
        "category_uid": 3,
        "class_uid": 3004,
        "activity_id": 3,
        "type_uid": 300403,
        "time": 1796071312404,
        "severity_id": 1,
        "status_id": 1,
        "metadata": {
            "version": "1.5.0",
            "product": {"name": "Recount", "vendor_name": "Recount", "version": "0.1.0"},
            "uid": f"{INSTALLATION}/1/510",
            "sequence": 510,
            "event_code": "insight.renamed.v1",
            "log_name": "recount/1",
            "tenant_uid": "1",
            "original_time": "2026-11-30T20:41:52.404099Z",
            "logged_time": 1796071312404,
            "correlation_uid": "0b7c2a6e-1111-4222-8333-444455556666",
        },
        "entity": {
            "uid": "1",
            "type": "insight",
            "version": "4",
            "name": "Visit to sign-up",
            "data": {"short_id": "H81rn7Ij"},
        },
        "comment": 'Renamed from "Sign-ups" to "Visit to sign-up".',
        "actor": {
            "user": {
                "uid": "1",
                "type_id": 1,
                "name": "Me",
                "email_addr": "me@recount.example",
                "credential_uid": "cxiSkaznYyUIDflR",
            }
        },
        "unmapped": {
            "position": 812,
            "version": 4,
            "hash": stored.hash.hex(),
            "previous_hash": stored.previous.hex(),
            "commitment": stored.commitment.hex(),
            "data": {
                "type": "insight.renamed.v1",
                "name": "Visit to sign-up",
                "previous": "Sign-ups",
            },
        },
    }


def test_the_system_an_erased_payload_and_a_newer_fact_are_told_too() -> None:
    system = of_fact(InsightRenamed("a", "b"), actor=Raw(b'{"type":"system"}'))
    assert system["actor"] == {"app_name": "Recount"}
    erased = of_fact(InsightRenamed("[erased]", "[erased]"), salt=b"")
    assert erased["unmapped"]["erased"] is True
    assert "comment" not in erased
    newer = told("insight.dreamt_of.v3", b'{"type":"insight.dreamt_of.v3","of":"sheep"}')
    assert (newer["activity_id"], newer["activity_name"]) == (99, "insight.dreamt_of.v3")


@pytest.mark.parametrize("email", ["me@localhost", "käufe@recount.example", "", None])
def test_an_address_that_the_schema_does_not_know_is_left_out(email: str | None) -> None:
    names = replace(NAMES, users={1: Person("", email)})
    user = of_fact(InsightRenamed("a", "b"), names=names)["actor"]["user"]
    assert user == {"uid": "1", "type_id": 1, "credential_uid": "cxiSkaznYyUIDflR"}


def test_what_ocsf_does_not_have_is_refused_here() -> None:
    event = of(entry(), NAMES)
    with pytest.raises(jsonschema_rs.ValidationError):
        validated({**event, "activity_id": 77})
    with pytest.raises(jsonschema_rs.ValidationError):
        validated({**event, "entity": {"colour": "red"}})


texts = st.none() | st.text(max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "source", "series", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
).map(lambda each: Raw(msgspec.json.encode(each)))
objects = st.dictionaries(st.text(max_size=3), st.integers(), max_size=2).map(
    lambda each: Raw(msgspec.json.encode(each))
)
tags = st.lists(st.text(max_size=4), max_size=3).map(tuple)


@given(
    st.builds(InsightRenamed, name=texts, previous=texts)
    | st.builds(InsightDescribed, description=texts, previous=texts)
    | st.builds(InsightQueryChanged, query=documents, previous=documents)
    | st.builds(InsightTagged, tags=tags, previous=tags)
    | st.builds(
        SharingSettingsChanged, insight_id=st.integers(1, 9), settings=objects, previous=objects
    )
    | st.builds(WebhookLaneParked, lane=st.text(max_size=9), error=st.text(max_size=9))
)
def test_whatever_a_fact_says_its_event_is_valid(fact: DomainEvent) -> None:
    of_fact(fact)
