"""Digest of the project's settings, actions and cohorts that a kept result depends on."""

import hashlib
from datetime import UTC, datetime

import msgspec

from services.query.events.facts import PlanningFacts

_encoder = msgspec.json.Encoder(order="deterministic")


def dependencies(facts: PlanningFacts) -> bytes:
    """A digest; a result that was computed under another one is outdated.

    Not of the first event, either: what it decides is where the range begins.
    """
    lasting = msgspec.structs.replace(
        facts, now=datetime.min.replace(tzinfo=UTC), first_event_at=None
    )
    named = msgspec.to_builtins(lasting, str_keys=True, order="deterministic")
    return hashlib.sha256(_encoder.encode(named)).digest()
