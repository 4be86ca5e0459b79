"""From every shape a fact was ever stored in to today's: one pure step per version, for good."""

from collections.abc import Callable, Mapping

Step = Callable[[bytes], tuple[str, bytes]]

# Stored name -> the step that turns its payload into the next version's name and payload.
STEPS: Mapping[str, Step] = {}


def upcast(name: str, payload: bytes) -> bytes:
    """The payload of `name` in its newest version."""
    while step := STEPS.get(name):
        name, payload = step(payload)
    return payload
