"""The changes of fields that rows of several kinds have."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.differences.difference import FieldChange
from contracts.differences.words import all_of, count, plain, quoted

Json = Any


def changed(field: str, before: Json, after: Json, sentences: Sequence[str]) -> FieldChange | None:
    """None where there is nothing to say. before, after: documents, or values."""
    if not sentences:
        return None
    is_document = isinstance(before, Raw)
    return FieldChange(
        field=field,
        before=before if is_document else Raw(msgspec.json.encode(before)),
        after=after if is_document else Raw(msgspec.json.encode(after)),
        sentences=tuple(sentences),
        is_document=is_document,
    )


def all_changed(*changes: FieldChange | None) -> tuple[FieldChange, ...]:
    return tuple(change for change in changes if change is not None)


def renamed(before: str | None, after: str | None, field: str = "name") -> FieldChange | None:
    return changed(field, before, after, _renamed(before, after))


def _renamed(before: str | None, after: str | None) -> list[str]:
    if before == after:
        return []
    if after is None:
        return [f"Name removed (was {quoted(before or '')})."]
    if before is None:
        return [f"Named {quoted(after)}."]
    return [f"Renamed from {quoted(before)} to {quoted(after)}."]


def described(before: str | None, after: str | None) -> FieldChange | None:
    said = [] if before == after else ["Description changed."]
    return changed("description", before, after, said)


def tagged(before: tuple[str, ...], after: tuple[str, ...]) -> FieldChange | None:
    return changed("tags", before, after, _tagged(before, after))


def _tagged(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    if before == after:
        return []
    come = [plain(tag) for tag in after if tag not in before]
    gone = [plain(tag) for tag in before if tag not in after]
    if come and gone:
        return [f"Tagged {all_of(come)}; no longer tagged {all_of(gone)}."]
    if come:
        return [f"Tagged {all_of(come)}."]
    return [f"No longer tagged {all_of(gone)}." if gone else "Tags in another order."]


def marked(field: str, before: bool, after: bool, on: str, off: str) -> FieldChange | None:
    return changed(field, before, after, [] if before == after else [on if after else off])


def deleted(before: bool, after: bool, tiles: int = 0) -> FieldChange | None:
    """tiles: those that a restoration brings back."""
    back = f"Restored, with its {count(tiles, 'tile')}." if tiles else "Restored."
    return marked("deleted", before, after, "Deleted.", back)
