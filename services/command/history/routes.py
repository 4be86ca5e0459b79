"""Undo: of one operation on one insight, of one operation, and of all of a span. Revert; bulk."""

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.history import (
    BulkBody,
    BulkEdit,
    RevertInsight,
    UndoInInsight,
    UndoneBody,
    UndoOperation,
    UndoOperations,
)
from contracts.api.insights import InsightBody
from contracts.headers import IDEMPOTENCY_KEY, IF_MATCH, INSIGHTS_SKIPPED
from services.command.handle import Terms
from services.command.history.bulk import Bulk
from services.command.history.reverting import Revert
from services.command.history.rights import SCOPES
from services.command.history.service import Undo
from services.command.history.translation import no_operation
from services.common.http.operations import HEADERS, OPERATION, does, plannable, writes
from services.common.http.paths import project_paths

INSIGHT = {"scopes": ("insight:write",)}
KEY = HEADERS[IDEMPOTENCY_KEY]
VERSION = HEADERS[IF_MATCH]
# One of them opens the door; the service asks for those of all that the operations touched.
ANY = {"scopes": tuple(dict.fromkeys(SCOPES.values()))}


@post(
    project_paths("/insights/{insight:str}/undo/"),
    opt={
        **INSIGHT,
        **plannable(
            does(None, UndoneBody, VERSION, KEY, errors=(409, 412, 422), headers=OPERATION)
        ),
    },
    status_code=200,
)
async def undo_in_insight(
    undo: NamedDependency[Undo],
    insight_id: NamedDependency[int],
    sent: NamedDependency[UndoInInsight],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Take back what an operation did to this insight; what was changed since stays."""
    return await undo.answer(await undo.in_insight(insight_id, sent, terms), terms.caller)


@post(
    project_paths("/operations/{operation:str}/undo/"),
    opt={**ANY, **plannable(does(None, UndoneBody, KEY, errors=(409, 422), headers=OPERATION))},
    status_code=200,
)
async def undo_operation(
    undo: NamedDependency[Undo],
    operation: FromPath[str],
    sent: NamedDependency[UndoOperation],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Take a whole operation back, over all that it touched, in one append."""
    done = await undo.operation(_operation_id(operation), sent, terms)
    return await undo.answer(done, terms.caller)


@post(
    project_paths("/operations/undo/"),
    opt={**ANY, **plannable(does(None, UndoneBody, KEY, errors=(409, 422), headers=OPERATION))},
    status_code=200,
)
async def undo_operations(
    undo: NamedDependency[Undo],
    sent: NamedDependency[UndoOperations],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Take all operations of a user in a span back, newest first, in one append."""
    return await undo.answer(await undo.operations(sent, terms), terms.caller)


@post(
    project_paths("/insights/{insight:str}/revert/"),
    opt={**INSIGHT, **plannable(writes(InsightBody, headers=(INSIGHTS_SKIPPED,)))},
    status_code=200,
)
async def revert_insight(
    reverts: NamedDependency[Revert],
    insight_id: NamedDependency[int],
    sent: NamedDependency[RevertInsight],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Put an insight, or some of its fields, back to a version; it can be undone."""
    outcome = await reverts.to(insight_id, sent, terms)
    return await reverts.answer(outcome, sent, terms.caller)


@post(
    project_paths("/insights/bulk/"),
    opt={**INSIGHT, **plannable(does(None, BulkBody, KEY, errors=(409, 422), headers=OPERATION))},
    status_code=200,
)
async def edit_in_bulk(
    bulk: NamedDependency[Bulk],
    sent: NamedDependency[BulkEdit],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Change up to 100 insights in one append: all of them, or with `partial` those that can be."""
    return await bulk.answer(await bulk.edit(sent, terms), sent, terms.caller)


def _operation_id(text: str) -> UUID:
    """Raises Rejected 404."""
    try:
        return UUID(text)
    except ValueError as cause:
        raise no_operation() from cause


HANDLERS = [undo_in_insight, undo_operation, undo_operations, revert_insight, edit_in_bulk]
