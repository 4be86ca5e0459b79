"""Why a command is refused; no status codes here."""

from collections.abc import Sequence
from uuid import UUID

from contracts.events.recorded import DomainEvent, Recorded


class Refused(Exception):
    """A command that may not happen. Each kind has its line in the services' tables of refusals."""


class NotFound(Refused):
    """Never created, or deleted and not being restored."""


class AlreadyExists(Refused):
    """Created twice."""


class Stale(Refused):
    """The stream has moved on since the version the caller knows (its If-Match).

    history: the whole stream, so that whoever answers can say what changed.
    """

    def __init__(
        self, expected: int, actual: int, history: Sequence[Recorded[DomainEvent]] = ()
    ) -> None:
        super().__init__(f"expected version {expected}, the stream is at {actual}")
        self.expected = expected
        self.actual = actual
        self.history = history


class ConcurrentEdit(Refused):
    """Somebody else appended to the stream between load and append."""

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
