"""Why a command is refused; no status codes here."""

from uuid import UUID


class Refused(Exception):
    """A command that may not happen. Each kind has its line in the services' tables of refusals."""


class NotFound(Refused):
    """Never created, or deleted and not being restored."""


class AlreadyExists(Refused):
    """Created twice."""


class ConcurrentEdit(Refused):
    """Another command appended to the stream between load and append."""

    def __init__(self, stream_id: UUID, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream_id}: decided on version {expected}, head is {actual}")
        self.stream_id = stream_id
        self.expected = expected
        self.actual = actual


class NotAList(Refused):
    """People can be added to a static cohort only."""


class SharingOff(Refused):
    """There is no access token to rotate: sharing is off."""


class PasswordNotRequired(Refused):
    """A password for a share that asks for none."""


class VersionDeleted(Refused):
    """The version to put it back to is one in which it was deleted."""


class NotValidNow(Refused):
    """What was stored then is refused today. Its text says why."""
