"""The keys of a breakdown: a property, the record or event it is read of, or a cohort.

Every kind of insight names its keys in this way; how an actor gets its value is the kind's affair.
"""

from typing import Literal

import msgspec

PropertyOwner = Literal["event", "event_metadata", "person", "session"]


class PropertyKey(msgspec.Struct, frozen=True, tag=True):
    """A property of the event, or of its person or session. event_metadata: a column (`event`)."""

    of: PropertyOwner
    name: str


class GroupKey(msgspec.Struct, frozen=True, tag=True):
    """A property of the event's group of the type with this index."""

    index: int
    name: str


class ExpressionKey(msgspec.Struct, frozen=True, tag=True):
    """An expression of the closed subset, checked."""

    text: str


Key = PropertyKey | GroupKey | ExpressionKey

Cohorts = tuple[tuple[int, str], ...]
"""(id, name) in the order asked; id 0 is "all users"."""
