"""Answers of this service: as JSON or CSV, with ETag, position and age."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import MediaType, Response
from msgspec.structs import replace

from contracts.headers import IF_NONE_MATCH, INSIGHTS_STALE
from services.common.accounts.accounts import Accounts
from services.common.http.answers import EncodedAnswer, tagged
from services.common.http.caller import Caller
from services.common.http.csv_answers import CSV, kind_of, wants_csv
from services.common.http.csv_tables import to_csv
from services.common.http.etag import etag
from services.common.http.read_notes import NOTHING_SHOWN, ShownItems, noted
from services.common.http.request import AnyRequest
from services.query.http.as_of import LogMoment, at_least
from services.query.reads.read_position import FreshValue
from services.query.reads.recent_answers import RecentAnswers


def answer(
    request: AnyRequest,
    body: bytes,
    fresh: FreshValue[Any],
    *,
    version: int = 0,
    moment: LogMoment | None = None,
) -> Response[bytes]:
    """The JSON text `body`, as its client wants it; 304 when the client has it already.

    version: of the one resource it shows; a list has none, its ETag is the digest alone.
    moment: of the past that it shows.
    """
    return _sent(request, _shown(request, AnswerParts(body, fresh, version)), moment)


class AnswerParts(msgspec.Struct, frozen=True):
    """The parts of an answer, for `answer`.

    again: whether it depends on nothing but the request and the project's state.
    kind: what the body is an instance of, where it is not what the route says of itself.
    shown: what it shows, for the trail of reads; it is remembered with it.
    """

    body: bytes
    fresh: FreshValue[Any]
    version: int = 0
    again: bool = False
    kind: Any = None
    shown: ShownItems = NOTHING_SHOWN


async def remembered(
    request: AnyRequest,
    caller: Caller,
    accounts: Accounts,
    known: RecentAnswers[EncodedAnswer],
    make: Callable[[], Awaitable[AnswerParts]],
    moment: LogMoment | None = None,
) -> Response[bytes]:
    """The answer that is remembered, or one that is made and remembered.

    moment: of the past that it shows; a time in the request means another one later.
    """
    asked = _asked(request, caller, accounts, moment)
    fresh = await known.find(asked, caller.team_id, at_least(request, moment))
    if fresh is None:
        made = await make()
        fresh = _shown(request, made)
        if made.again:
            known.keep(asked, caller.team_id, fresh, len(fresh.value.body))
    noted(request.scope).shown = fresh.value.shown
    return _sent(request, fresh, moment)


def _shown(request: AnyRequest, made: AnswerParts) -> FreshValue[EncodedAnswer]:
    encoded = _as_asked(request, made.body, made.version, made.kind)
    return replace(made.fresh, value=replace(encoded, shown=made.shown))


def _as_asked(
    request: AnyRequest, body: bytes, version: int = 0, kind: Any = None
) -> EncodedAnswer:
    csv = wants_csv(request.scope)
    body = to_csv(body, kind or kind_of(request.scope)) if csv else body
    return EncodedAnswer(body, etag(version, body), CSV if csv else MediaType.JSON)


def _sent(
    request: AnyRequest, fresh: FreshValue[EncodedAnswer], moment: LogMoment | None
) -> Response[bytes]:
    # What a standby that took over has not got yet may be put back.
    is_stale = fresh.stale or request.app.state.timeline.is_unverified
    stale = {INSIGHTS_STALE: "true"} if is_stale else {}
    return tagged(
        fresh.value,
        position=fresh.position,
        if_none_match=request.headers.get(IF_NONE_MATCH),
        headers=stale if moment is None else stale | moment.headers,
    )


class _AnswerKey(msgspec.Struct, frozen=True):
    """All that an answer depends on besides the project's state. edition: of the accounts.

    as_of: the position of the past that it shows.

    settings: of the project, see Project.settings.
    """

    url: tuple[str, str | None, bytes, bytes]
    csv: bool
    team_id: int
    settings: bytes
    user_id: int
    administrator: bool
    edition: int
    as_of: int | None


def _asked(
    request: AnyRequest, caller: Caller, accounts: Accounts, moment: LogMoment | None
) -> _AnswerKey:
    """Before any name is looked up: one that changes meanwhile belongs to the next edition."""
    scope = request.scope
    return _AnswerKey(
        url=(
            scope["scheme"],
            request.headers.get("host"),
            scope["raw_path"],
            scope["query_string"],
        ),
        csv=wants_csv(scope),
        team_id=caller.team_id,
        settings=caller.project.settings,
        user_id=caller.user.id,
        administrator=caller.is_administrator,
        edition=accounts.edition,
        as_of=None if moment is None else moment.position,
    )


def plain(request: AnyRequest, body: bytes) -> Response[bytes]:
    """An answer without a position of the log: it is made of plain tables."""
    shown = _as_asked(request, body)
    return tagged(shown, position=None, if_none_match=request.headers.get(IF_NONE_MATCH))
