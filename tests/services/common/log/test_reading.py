"""A row of the log that cannot be read says why, and keeps what is there."""

from typing import Any
from uuid import UUID

import pytest

from contracts.codec import Undecodable, encode_event
from services.common.log.appends import Unreadable
from services.common.log.reading import FactRow, decoded, decoded_or_unreadable
from tests.examples import START, created

ACTOR = '{"type":"user","user_id":1}'


def row(**fields: Any) -> FactRow:
    return FactRow(
        **{
            "position": 5,
            "stream_id": UUID(int=1),
            "version": 1,
            "team_id": 1,
            "team_seq": 5,
            "at": START,
            "actor": ACTOR,
            "operation_id": UUID(int=2),
            "correlation_id": UUID(int=2),
            "causation_id": None,
            "name": "insight.created.v1",
            "payload": encode_event(created()),
            **fields,
        }
    )


def test_a_row_is_read_as_a_fact() -> None:
    assert decoded(row()).event == created()
    assert decoded_or_unreadable(row()) == decoded(row())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"actor": "nobody"}, "actor: "),
        ({"actor": '{"type":"ghost"}'}, "actor: "),
        ({"payload": b"{"}, "insight.created.v1: "),
        ({"payload": b'{"type":"insight.teleported.v9"}'}, "insight.teleported.v9"),
    ],
)
def test_a_row_that_cannot_be_read_keeps_its_place_and_says_why(
    fields: dict[str, Any], reason: str
) -> None:
    there = row(**fields)
    with pytest.raises(Undecodable):
        decoded(there)
    found = decoded_or_unreadable(there)
    assert isinstance(found, Unreadable)
    assert (found.position, found.name, found.payload) == (5, there.name, there.payload)
    assert bytes(found.actor) == there.actor.encode()
    assert reason in found.reason
