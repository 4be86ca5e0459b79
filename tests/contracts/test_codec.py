"""Facts to bytes and back; what cannot be read says so in one way."""

from uuid import UUID

import pytest

from contracts.codec import Undecodable, decode_event, decode_recorded, encode_recorded
from contracts.events import upcasts
from contracts.product_events import (
    CapturedBatch,
    CapturedEvent,
    UnreadableBatch,
    decode_batch,
    encode_batch,
    events_in,
)
from tests.examples import ALICE, insight_history


def test_an_envelope_is_read_as_it_was_written() -> None:
    (fact,) = insight_history(name="A")
    assert decode_recorded(encode_recorded(fact)) == fact
    assert fact.actor == ALICE


@pytest.mark.parametrize("message", [b"", b"{", b"{}", b"[]"])
def test_an_envelope_that_cannot_be_read_is_undecodable(message: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_recorded(message)


def test_a_fact_that_cannot_be_read_is_named() -> None:
    with pytest.raises(Undecodable, match=r"insight\.renamed\.v1"):
        decode_event("insight.renamed.v1", b'{"type":"insight.renamed.v1","name":5}')


def test_an_old_fact_goes_through_every_version_to_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: dict[str, upcasts.Step] = {
        "a.b.v1": lambda payload: ("a.b.v2", payload + b"2"),
        "a.b.v2": lambda payload: ("a.b.v3", payload + b"3"),
    }
    monkeypatch.setattr(upcasts, "STEPS", steps)
    assert upcasts.upcast("a.b.v1", b"1") == b"123"
    assert upcasts.upcast("a.b.v3", b"1") == b"1"


@pytest.mark.parametrize("count", [0, 1, 15, 16, 0xFFFF, 0x10000])
def test_the_events_of_a_message_are_counted_without_reading_them(count: int) -> None:
    event = CapturedEvent(UUID(int=1), "signed_up", "ada", timestamp=0, properties="{}")
    message = encode_batch(CapturedBatch(0, [event] * count))
    assert events_in(message) == count


@pytest.mark.parametrize("message", [b"", b"nonsense", b"\x92\x00\xc0", b"\x92\x00\x81\x01\x02"])
def test_a_message_that_is_no_batch_has_no_events_and_cannot_be_read(message: bytes) -> None:
    assert events_in(message) == 0
    with pytest.raises(UnreadableBatch):
        decode_batch(message)
