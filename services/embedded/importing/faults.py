"""Faults of a file, and of one record of it, in words for the person who sent it."""

from services.embedded.refusal import CannotStart


class NotEvents(CannotStart):
    """The file is not what it seems, or something about it has to be named. Nothing was sent."""


class BadRecord(Exception):
    """A record that is no event.

    where: as a person finds it, such as `line 5`. is_last: the records that follow can't be told
    apart any more, so that nothing of it can be read.
    """

    def __init__(self, where: str, reason: str, *, is_last: bool = False) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.is_last = is_last
