"""Reads in OCSF 1.5.0: of a key, of a visitor, of somebody who was erased."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.ocsf.reads import of_read
from contracts.reads import (
    ErasedReader,
    Read,
    Reader,
    StoredRead,
    Surface,
    UserReader,
    VisitorReader,
    commitment,
)
from tests.contracts.ocsf.test_facts import INSTALLATION, NAMES
from tests.contracts.ocsf.validating import validated

AT = datetime(2026, 11, 30, 20, 41, 52, 404099, tzinfo=UTC)
CORRELATION = UUID("0b7c2a6e-1111-4222-8333-444455556666")
ALICE = UserReader(user_id=1, key_id="cxiSkaznYyUIDflR")
VISITOR = VisitorReader(token_id=3, unlocked=True)


def told(actor: Reader = ALICE, number: int | None = 9120, **fields: Any) -> dict[str, Any]:
    read = Read(
        **{
            "at": AT,
            "actor": actor,
            "surface": "api",
            "what": "insight",
            "items": (1,),
            "status": 200,
            "ip": "203.0.113.7",
            "client": "curl/8.5",
            "correlation_id": CORRELATION,
            **fields,
        }
    )
    salt = b"" if isinstance(actor, ErasedReader) else bytes(16)
    stored = StoredRead(
        team_id=1,
        number=number,
        read=read,
        salt=salt,
        commitment=commitment(salt, read),
        sealed_by=None if number is None else 204699,
    )
    return validated(of_read(stored, NAMES))


def test_a_read_with_a_key_says_who_saw_what_from_where() -> None:
    event = told()
    assert (event["class_uid"], event["activity_id"], event["status_id"]) == (6003, 2, 1)
    assert event["metadata"]["uid"] == f"{INSTALLATION}/1/reads/9120"
    assert event["actor"]["user"]["credential_uid"] == ALICE.key_id
    assert event["api"] == {"operation": "insight", "response": {"code": 200}}
    assert event["resources"] == [{"uid": "1", "type": "insight", "name": "Visit to sign-up"}]
    assert event["src_endpoint"] == {"ip": "203.0.113.7"}
    assert event["http_request"] == {"user_agent": "curl/8.5", "uid": str(CORRELATION)}


def test_a_visitor_of_a_share_is_no_actor() -> None:
    event = told(VISITOR, surface="share")
    assert (event["class_uid"], event["activity_id"]) == (6001, 2)
    assert "actor" not in event
    assert event["web_resources"][0]["uid"] == "1"
    assert event["unmapped"]["token_id"] == 3
    assert told(VISITOR, surface="share", what="insight_document")["activity_id"] == 7


def test_what_was_refused_hidden_or_erased_is_told_as_such() -> None:
    assert told(status=403)["status_id"] == 2
    assert told(ip=None)["src_endpoint"] == {"name": "not recorded"}
    assert told(ip="unix:")["src_endpoint"] == {"name": "unix:"}
    assert told(ErasedReader())["actor"]["user"]["name"] == "erased"
    assert told(ErasedReader(), surface="embed")["class_uid"] == 6001
    assert told(number=None)["metadata"]["sequence"] == 0
    assert told(VISITOR, surface="share", items=())["web_resources"][0]["name"] == "insight"


@given(
    st.sampled_from([ALICE, VISITOR, ErasedReader()]),
    st.sampled_from(get_args(Surface)),
    st.sampled_from(["insight", "insight_list", "dashboard", "funnel", "insight_document"]),
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
    st.none() | st.ip_addresses().map(str) | st.text(max_size=5),
)
def test_whatever_was_read_its_event_is_valid(
    actor: Reader, surface: Surface, what: str, items: tuple[int, ...], ip: str | None
) -> None:
    told(actor, surface=surface, what=what, items=items, insights=items, ip=ip)
