"""Reading an operation: all that one command did, and what undid it."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.operations import NotUndoablePart, OperationBody, OperationPart
from contracts.api.times import written
from contracts.api.versions import VersionUser
from contracts.differences.difference import Names
from contracts.differences.facts import fact_sentences
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind, project_stream
from contracts.undoable import not_undoable
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.operations import reads
from services.common.http.paths import project_paths
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import parameters
from services.query.http.answers import answer
from services.query.reads.all import Reads
from services.query.reads.operations import OperationFact, by_stream
from services.query.reads.read_position import FreshValue
from services.query.reads.versions import KINDS

READ = {"scopes": ("activity_log:read",)}

_encoder = msgspec.json.Encoder()


@get(project_paths("/operations/{operation:str}/"), opt={**READ, **reads(OperationBody)})
async def get_operation(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
    operation: FromPath[str],
) -> Response[bytes]:
    """What one operation did, stream by stream, but for what it did to insights out of sight."""
    try:
        operation_id = UUID(operation)
    except ValueError:
        raise not_found() from None
    # The log is never behind; what undid an operation is told by the history.
    settings = project_stream(caller.team_id)
    await reads.freshness.of(
        lambda: reads.versions.one(settings, 1), at_least=parameters.at_least(request)
    )
    found = await reads.operations.one(caller, operation_id)
    if found is None:
        raise not_found()
    names = await reads.versions.names(caller)
    streams = by_stream(found.facts)
    parts = [await _part(reads, caller, facts, names) for facts in streams.values()]
    refused = tuple(_refused(fact, facts) for facts in streams.values() for fact in facts)
    stays = tuple(each for each in refused if each is not None)
    user = found.facts[0].user
    user_id = None if user is None else user.user_id
    users = await user_bodies(accounts, (user_id,))
    body = OperationBody(
        operation_id=operation_id,
        position=found.position,
        at=written(found.facts[-1].at),
        user=VersionUser.of(user_id, users),
        key_id=None if user is None else user.key_id,
        correlation_id=found.facts[0].correlation_id,
        causation_id=found.facts[0].causation_id,
        trigger=found.trigger,
        parts=tuple(parts),
        undone_by=found.undone_by,
        undoable=not stays,
        not_undoable=stays,
    )
    fresh = FreshValue(found, max(found.position, parameters.at_least(request) or 0), stale=False)
    return answer(request, _encoder.encode(body), fresh)


async def _part(
    reads: Reads, caller: Caller, facts: Sequence[OperationFact], names: Names
) -> OperationPart:
    first, last = facts[0], facts[-1]
    if first.kind in KINDS:
        stream: Stream[DomainEvent] = Stream(StreamKind(first.kind), caller.team_id, first.number)
        fresh = await reads.freshness.of(
            lambda: reads.versions.one(stream, last.version), at_least=last.position
        )
        sentences = tuple(
            sentence
            for version in fresh.value.versions
            for sentence in version.difference(names).sentences
        )
    else:
        sentences = tuple(
            sentence
            for fact in facts
            if (event := fact.event) is not None
            for sentence in fact_sentences(event)
        )
    return OperationPart(
        kind=first.kind,
        id=first.number,
        first_version=first.version,
        version=last.version,
        types=tuple(fact.name for fact in facts),
        sentences=sentences,
    )


def _refused(fact: OperationFact, facts: Sequence[OperationFact]) -> NotUndoablePart | None:
    """facts: all of its stream."""
    reason = not_undoable(fact.name, made=facts[0].version == 1)
    if reason is None:
        return None
    return NotUndoablePart(kind=fact.kind, id=fact.number, type=fact.name, reason=reason)


HANDLERS = [get_operation]
