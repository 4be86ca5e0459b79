"""Judges one operation on one stream: what of it is free to be taken back, and what is not."""

from collections.abc import Callable
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.codec import stored_name
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from domain.history.documents import differ_at, reverse, same_document
from domain.history.placed import Placed
from domain.history.undoing import Code, Conflict, FreePlace, NotUndoable, Undoing, UndoTerms

Row = TypeVar("Row")
Event = TypeVar("Event", bound=DomainEvent)
Command = TypeVar("Command")

DELETED = "deleted"


class Touch(msgspec.Struct, frozen=True):
    """What a fact does. field: the one it changes, by its name on the wire; None: there is nothing
    to take back. reason: why it can't be taken back.
    """

    field: str | None
    reason: str | None = None


class Judge(Generic[Row, Event]):
    """Judges field by field, by what each was before the operation, after it, and is now.

    Facts say which fields it touched; rows say what they were.

    fields: those to be judged, in the order of the facts. None of a creation's: whatever else it
    brought along goes with what it made.
    """

    def __init__(
        self,
        stream: Stream[DomainEvent],
        placed: Placed[Row, Event],
        terms: UndoTerms,
        touch: Callable[[Event], Touch],
    ) -> None:
        self._stream = stream
        self._placed = placed
        self._terms = terms
        self._conflicts: list[Conflict] = []
        self._free: list[FreePlace] = []
        events = [fact.event for fact in placed.facts] if placed.before is not None else []
        asked = [(each, touch(each)) for each in events if self._is_asked(touch(each).field)]
        self._not_undoable = tuple(
            NotUndoable(
                kind=stream.kind.value,
                number=stream.number,
                type=stored_name(event),
                reason=touched.reason,
            )
            for event, touched in asked
            if touched.reason is not None
        )
        fields = (each.field for _, each in asked if each.reason is None)
        self.fields = tuple(dict.fromkeys(each for each in fields if each is not None))
        # Nothing of what is out of sight can be changed, unless this brings it back.
        went = _is_deleted(placed.after) and not _is_deleted(placed.before)
        self._is_hidden = _is_deleted(placed.now) and not (went and DELETED in self.fields)

    def creation(self) -> bool:
        """Whether what the operation made is to be deleted."""
        if not self._is_asked(DELETED) or _is_deleted(self._placed.now):
            return False
        maker = self._placed.facts[0].user_id
        others = (each.operation_id for each in self._placed.since if each.user_id != maker)
        edited_by = tuple(dict.fromkeys(others))
        if edited_by and not self._terms.force:
            self._conflict("edited_since", DELETED, None, (False, False), edited_by)
            return False
        self._set_free(DELETED, None)
        return True

    def plain(
        self,
        field: str,
        read: Callable[[Row], Any] | None = None,
        path: str | None = None,
        code: Code | None = None,
    ) -> Any:
        """The value to set again; UNSET where there is nothing to do, or a conflict.

        read: how a row tells it, if not under the field's name.
        code: of the conflict that it is even as the operation left it.
        """
        told = read or attrgetter(field)
        found, left, now = self._values(told)
        if _same(found, left) or _same(found, now):
            return UNSET
        if not _same(left, now):
            code = "changed"
        elif self._is_hidden:
            code = "deleted"
        if code is None:
            self._set_free(field, path)
            return found
        moved_by = self._moved_by(_is_deleted if code == "deleted" else told)
        self._conflict(code, field, path, (left, now), moved_by)
        return UNSET

    def document(
        self, field: str, invalid: Callable[[Raw], str | None] = lambda _: None
    ) -> Raw | UnsetType:
        """The document to set; UNSET where nothing of it is to be taken back.

        invalid: why it can't be set.
        """
        told: Callable[[Row], Raw] = attrgetter(field)
        found, left, now = self._values(told)
        reversal = reverse(found, left, now)
        free = [each for each in reversal.places if each.verdict == "free"]
        for each in reversal.places:
            if each.verdict == "conflict":
                moved_by = self._moved_by(told, each.path)
                self._conflict("changed", field, each.path, (each.left, each.now), moved_by)
        if self._is_hidden:
            moved_by = self._moved_by(_is_deleted)
            for each in free:
                self._conflict("deleted", field, each.path, (each.left, each.now), moved_by)
            return UNSET
        if free and (reason := invalid(reversal.document)):
            self._conflict("not_valid", field, None, (left, now), self._moved_by(told, ""), reason)
            return UNSET
        for each in free:
            self._set_free(field, each.path)
        return reversal.document if free else UNSET

    def undoing(self, *commands: Command) -> Undoing[Command]:
        """The outcome. commands: for what is free."""
        is_refused = bool(self._conflicts or self._not_undoable) and not self._terms.only_free
        return Undoing(
            commands=commands if self._free and not is_refused else (),
            conflicts=tuple(self._conflicts),
            free=tuple(self._free),
            not_undoable=self._not_undoable,
        )

    def _is_asked(self, field: str | None) -> bool:
        return self._terms.fields is None or field in self._terms.fields

    def _values(self, told: Callable[[Row], Any]) -> tuple[Any, Any, Any]:
        if self._placed.before is None:
            raise ValueError("nothing had a value before the operation")
        return told(self._placed.before), told(self._placed.after), told(self._placed.now)

    def _moved_by(self, told: Callable[[Row], Any], path: str | None = None) -> tuple[UUID, ...]:
        """The operations since that moved what `told` tells. path: the place in a document."""
        since = self._placed.since
        rows = pairwise(chain((self._placed.after,), (each.row for each in since)))
        moved = (
            each.operation_id
            for each, (one, other) in zip(since, rows, strict=True)
            if not _same(told(one), told(other))
            and (path is None or differ_at(path, told(one), told(other)))
        )
        return tuple(dict.fromkeys(moved))

    def _set_free(self, field: str, path: str | None) -> None:
        kind, number = self._stream.kind.value, self._stream.number
        self._free.append(FreePlace(kind=kind, number=number, field=field, path=path or None))

    def _conflict(
        self,
        code: Code,
        field: str,
        path: str | None,
        values: tuple[object, object],
        changed_by: tuple[UUID, ...],
        reason: str | None = None,
    ) -> None:
        left, now = (Raw(msgspec.json.encode(value)) for value in values)
        self._conflicts.append(
            Conflict(
                kind=self._stream.kind.value,
                number=self._stream.number,
                field=field,
                path=path or None,
                left=left,
                now=now,
                changed_by=changed_by,
                code=code,
                reason=reason,
            )
        )


def _is_deleted(row: object) -> bool:
    """Rows of what can't be deleted don't tell."""
    return bool(getattr(row, DELETED, False))


def _same(one: object, other: object) -> bool:
    if isinstance(one, Raw) and isinstance(other, Raw):
        return one is other or same_document(one, other)
    return one == other
