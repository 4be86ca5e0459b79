"""References in paths: a thing by its number; an insight by its short id, too."""

import re

import msgspec

SHORT_ID_LENGTH = 8

# Any of so many digits fits PostgreSQL's bigint.
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHORT_ID = re.compile(rf"[A-Za-z0-9]{{{SHORT_ID_LENGTH}}}")


def number_in(text: str) -> int | None:
    """None: it is none, in ASCII digits, that anything could have."""
    return int(text) if _NUMBER.fullmatch(text) else None


class InsightReference(msgspec.Struct, frozen=True):
    """An insight in a path: by number, or by short id."""

    number: int | None = None
    short_id: str | None = None


def insight_reference(text: str) -> InsightReference | None:
    """None: it can't name an insight. Digits alone are a number: no short id consists of them."""
    if (found := number_in(text)) is not None:
        return InsightReference(number=found)
    return InsightReference(short_id=text) if _SHORT_ID.fullmatch(text) else None
