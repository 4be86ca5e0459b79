"""Changes of a fact, field by field: the one way to say them, for every aggregate."""

import msgspec
from msgspec import Raw

from contracts.json import is_null
from contracts.read_models.activity import Change


def change(field: str, before: object, after: object, type_: str) -> Change:
    """One field's change; created when it had no value before, deleted when it has none after.

    before, after: documents, or values that are encoded as JSON.
    type_: what has the field, in PostHog's words: Insight, Dashboard, Action, Cohort, Project.
    """
    old, new = _document(before), _document(after)
    return Change(
        type=type_,
        action="created" if is_null(old) else "deleted" if is_null(new) else "changed",
        field=field,
        before=old,
        after=new,
    )


def _document(value: object) -> Raw:
    return value if isinstance(value, Raw) else Raw(msgspec.json.encode(value))
