"""The bounds of one document, checked before anything looks at it closer."""

import re
from typing import Final

from services.common.http.problems import too_large

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of a request's body, at every door but those for product events."""

MOST_VALUES: Final = 100_000
"""Of a document: the members of its objects and the items of its lists, at all depths."""

MOST_PERCENTS: Final = 500_000
"""Of a form: its quoted characters."""

# Possessive: a string that never ends is one too, and is not looked at again from each quote.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def values_in(text: bytes) -> int:
    """The most values that a JSON document of this text can hold; text that is no JSON has a count,
    too.
    """
    found = _separators(text)
    if found <= MOST_VALUES:
        return found
    strings = (text.count(b'"') - text.count(b'\\"')) // 2
    # Each is a value or a name: with so many there is no need to look what stands in them.
    return strings // 2 if strings > 3 * MOST_VALUES else _separators(_STRING.sub(b"", text))


def refuse_many_values(text: bytes) -> None:
    """Raises Rejected 413 for so many values that a walk over them would take long."""
    if values_in(text) > MOST_VALUES:
        raise too_large(f"The document has more than {MOST_VALUES:,} values.")


def refuse_many_percents(form: bytes) -> None:
    """Raises Rejected 413: a form that is unquoted piece by piece for too long."""
    if form.count(b"%") > MOST_PERCENTS:
        raise too_large(f"The form has more than {MOST_PERCENTS:,} quoted characters: send JSON.")


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
