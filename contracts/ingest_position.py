"""How far captured events have come: what `Ingest-Position` tells, and what queries wait for."""

import re

import msgspec

_TOLD = re.compile(r"(?:([0-9]{1,2})\.)?([0-9]{1,18})")


class IngestPosition(msgspec.Struct, frozen=True):
    """A place in a bucket's stream. sequence: 0 is before its first message.

    Clients keep it as it was told: a bare number lies in bucket 0.
    """

    bucket: int = 0
    sequence: int = 0

    def __str__(self) -> str:
        return str(self.told)

    @property
    def told(self) -> int | str:
        """As JSON has it: a number, as from before there were buckets, or `<bucket>.<sequence>`."""
        return f"{self.bucket}.{self.sequence}" if self.bucket else self.sequence

    def within(self, bucket: int) -> int:
        """The sequence in this bucket's stream; 0 for a position of another one."""
        return self.sequence if bucket == self.bucket else 0


BEGINNING = IngestPosition()


def ingest_position_in(text: str) -> IngestPosition | None:
    """None: it is none that was ever told."""
    found = _TOLD.fullmatch(text)
    return None if found is None else IngestPosition(int(found[1] or 0), int(found[2]))
