"""Captured events as messages on the bus, none of them larger than it takes."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from contracts.product_events import CapturedBatch, CapturedEvent, encode_batch, encode_event
from services.command.capture.refusals import TooLarge

MAX_MESSAGE: Final = 512 * 1024
MAX_EVENT: Final = 900 * 1024
# So that the smallest events, too, are stored in batches that keep nobody waiting.
MOST_EVENTS: Final = 1_500
# Below this many characters of text an event can't be near MAX_MESSAGE, however it is encoded.
_SMALL: Final = 32 * 1024


def fitted(event: CapturedEvent) -> CapturedEvent:
    """The event, in a form that fits into a message. Raises TooLarge."""
    if len(event.properties) + len(event.sent) < _SMALL or len(encode_event(event)) <= MAX_MESSAGE:
        return event
    lean = msgspec.structs.replace(event, properties="", sent=event.sent or event.properties)
    if len(encode_event(lean)) > MAX_EVENT:
        raise TooLarge("too_large", f"The event is larger than {MAX_EVENT} bytes.")
    return lean


def payloads(events: Sequence[CapturedEvent], received: int) -> Iterator[bytes]:
    """Messages with all of the events, in order. Only one that is larger exceeds MAX_MESSAGE."""
    text = sum(len(event.properties) + len(event.sent) for event in events)
    if text <= MAX_MESSAGE and len(events) <= MOST_EVENTS:
        whole = encode_batch(CapturedBatch(received, list(events)))
        if len(whole) <= MAX_MESSAGE:
            yield whole
            return
    chunk: list[CapturedEvent] = []
    size = 0
    for event in events:
        added = len(encode_event(event))
        if chunk and (size + added > MAX_MESSAGE or len(chunk) == MOST_EVENTS):
            yield encode_batch(CapturedBatch(received, chunk))
            chunk, size = [], 0
        chunk.append(event)
        size += added
    yield encode_batch(CapturedBatch(received, chunk))
