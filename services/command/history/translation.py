"""From the body of an undo to its terms, and from what stands in the way to the refusal."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.api.history import (
    ConflictBody,
    FreeBody,
    NotUndoableBody,
    UndoOperation,
)
from contracts.events.history import HistoryEvent
from contracts.events.insight import InsightEvent
from contracts.read_models.insight import InsightRow
from domain.history.undo import TakenBack
from domain.history.undoing import Conflict, UndoTerms
from services.command.handle import Rules
from services.command.insights.translation import RULES as INSIGHT
from services.common.http.problems import Problem, Rejected


def undo_terms(sent: UndoOperation) -> UndoTerms:
    return UndoTerms(
        fields=None if sent.fields is None else frozenset(sent.fields),
        only_free=sent.only_free,
        force=sent.force,
    )


def no_operation() -> Rejected:
    """404: the project has no such operation, or it did nothing here."""
    return Rejected(
        404,
        Problem(
            type="invalid_request",
            code="not_found",
            detail="There is no such operation here.",
            attr="operation",
        ),
    )


def stands_in_the_way(taken: Sequence[TakenBack]) -> Rejected:
    """409, of all streams together: what was changed since, what is free, and what stays."""
    conflicts = [_conflict(one) for each in taken for one in each.conflicts]
    free = [
        FreeBody(kind=one.kind, id=one.number, field=one.field, path=one.path)
        for each in taken
        for one in each.free
    ]
    stays = [
        NotUndoableBody(kind=one.kind, id=one.number, type=one.type, reason=one.reason)
        for each in taken
        for one in each.not_undoable
    ]
    if conflicts:
        code, count = "conflict", len(conflicts)
        detail = f"{count} of {count + len(free)} changes have been changed since."
    else:
        code, detail = "not_undoable", " ".join(dict.fromkeys(one.reason for one in stays))
    return Rejected(
        409,
        Problem(type="invalid_request", code=code, detail=detail),
        more={
            "conflicts": _as_json(conflicts),
            "free": _as_json(free),
            "not_undoable": _as_json(stays),
        },
    )


def _conflict(one: Conflict) -> ConflictBody:
    return ConflictBody(
        kind=one.kind,
        id=one.number,
        field=one.field,
        path=one.path,
        left=one.left,
        now=one.now,
        changed_by=one.changed_by,
        code=one.code,
        reason=one.reason,
    )


def _as_json(bodies: Sequence[msgspec.Struct]) -> Raw:
    return Raw(msgspec.json.encode(bodies))


def _as_prepared(facts: tuple[Any, ...], _: object) -> tuple[Any, ...]:
    return facts


IN_INSIGHT: Rules[InsightRow | None, tuple[InsightEvent, ...], InsightEvent] = Rules(
    _as_prepared, INSIGHT.fold, INSIGHT.changes_since, INSIGHT.is_deleted
)
"""What is undone on an insight is decided while the write is prepared, on the same past."""

IN_HISTORY: Rules[None, tuple[HistoryEvent, ...], HistoryEvent] = Rules(
    _as_prepared, lambda _: None, lambda _, __: []
)
