"""Marks: numbers for what a computation can read of a project's events, persons and groups.

Ingest moves the marks of all that a batch brings, in the batch's own transaction; a kept result is
current while no mark that it reads has moved since. Two names may share a mark: that costs a
computation at most, and never hides a change.
"""

from collections.abc import Iterable
from hashlib import blake2b

MOST_PER_PROJECT = 4_096
"""So many marks of a project have a row of their own. Beyond it the ones that have not moved for
longest are folded into buckets, so that neither table nor transaction grows with the names that a
client makes up."""
BUCKETS = 256


def of_event(name: str) -> int:
    return _mark("event", name)


def of_person(key: str) -> int:
    """A property of persons whose earlier events may count. distinct_id is one, too."""
    return _mark("person", key)


def of_group(index: int, key: str) -> int:
    """A property of the groups of one type."""
    return _mark(f"group {index}", key)


def of_groups(index: int) -> int:
    """Anything about the groups of one type."""
    return _mark("groups", str(index))


def bucket(mark: int) -> int:
    """The row that stands for a mark without a row of its own."""
    return mark & (BUCKETS - 1)


def read_as(marks: Iterable[int]) -> list[int]:
    """All rows that may stand for these marks."""
    asked = set(marks)
    return [*asked, *{bucket(mark) for mark in asked}]


def _mark(kind: str, name: str) -> int:
    text = f"{kind}\0{name}".encode(errors="surrogatepass")
    digest = blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


MERGES = _mark("persons", "merged")
PERSONS_MADE = _mark("persons", "made")
"""Somebody who was known without a record has one now; so they may be in a cohort."""
PERSONS = _mark("persons", "any")
"""Anything about persons whose earlier events may count."""
