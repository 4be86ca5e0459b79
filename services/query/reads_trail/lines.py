"""A line of the spool: one read, as it waits for PostgreSQL."""

import msgspec

from contracts.reads import Read, canonical

_encoder = msgspec.json.Encoder()


# Many of them wait at a time, and none is in a cycle: collections pass them by.
class SpooledRead(msgspec.Struct, frozen=True, gc=False):
    """n: which of its process it is, from 1. row: its canonical bytes."""

    n: int
    team_id: int
    row: msgspec.Raw

    @property
    def read(self) -> Read:
        return _read.decode(self.row)

    @property
    def line(self) -> bytes:
        return b'{"n":%d,"team_id":%d,"row":%b}\n' % (self.n, self.team_id, self.row)


_line = msgspec.json.Decoder(SpooledRead)
_read = msgspec.json.Decoder(Read)


def spooled(n: int, team_id: int, read: Read) -> SpooledRead:
    return SpooledRead(n, team_id, msgspec.Raw(canonical(read)))


def is_whole(line: bytes) -> bool:
    """A last line that is not whole belongs to an answer that has not left."""
    return line.endswith(b"\n")


def parsed(line: bytes) -> SpooledRead | None:
    """None for what can't be read: the machine lost its power while it was written."""
    try:
        found = _line.decode(line)
        _read.decode(found.row)
    except msgspec.DecodeError:
        return None
    return found
