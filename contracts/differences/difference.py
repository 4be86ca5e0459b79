"""What a comparison of two rows gives."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from contracts.differences import documents


class Names(msgspec.Struct, frozen=True):
    """What is called how, by number: of today, and of what the reader may see."""

    dashboards: Mapping[int, str | None] = {}
    insights: Mapping[int, str | None] = {}
    actions: Mapping[int, str | None] = {}
    cohorts: Mapping[int, str | None] = {}


NO_NAMES = Names()


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One writable field that differs, by its name on the wire.

    before, after: as JSON. sentences: at least one. is_document: it can be patched.
    """

    field: str
    before: Raw
    after: Raw
    sentences: tuple[str, ...]
    is_document: bool = False

    def patch(self) -> Raw | None:
        """The RFC 6902 patch that turns before into after; None for what is no document.

        Made when asked for: it takes milliseconds for a query of twenty steps.
        """
        return documents.patch(self.before, self.after) if self.is_document else None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs between two rows of one stream.

    results_can_change: False proves that both sides give the same results. True is a maybe.
    created: there was no row before; then the fields that it began with are no changes.
    """

    changes: tuple[FieldChange, ...] = ()
    results_can_change: bool
    created: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """In the order of the fields; none exactly when nothing differs."""
        if self.created:
            return ("Created.",)
        return tuple(sentence for change in self.changes for sentence in change.sentences)


CREATED = Difference(results_can_change=True, created=True)
