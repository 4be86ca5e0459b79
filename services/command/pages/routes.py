"""The pages that put an insight back to a version, and undo what an operation did to it.

Each is looked at first: a trial, which appends nothing. Its button sends the trial's plan back.
"""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from contracts.api.history import RevertInsight, UndoInInsight
from services.command.pages.rendering import rendered
from services.command.pages.taking_back import Asked, TakingBack
from services.command.pages.trials import NotAsAWhole
from services.command.problems import REFUSALS
from services.common.http.body import decode
from services.common.http.caller import Caller
from services.common.http.operations import LEFT_OUT
from services.common.http.page_callers import form_token, require_own_form
from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest
from services.common.http.serializers import form_members
from services.common.pages.answers import (
    Way,
    page_answer,
    pages_of,
    problem_answer,
)

WRITE = {"scopes": ("insight:write",), **LEFT_OUT}
HANDLED = pages_of(REFUSALS)
_REVERT = "/projects/{project:str}/insights/{insight:str}/revert/"
_UNDO = "/projects/{project:str}/insights/{insight:str}/undo/"
# What was so when it was looked at is not so any more: it has to be looked at again.
_LOOK_AGAIN = (409, 412, 422)

A = TypeVar("A", RevertInsight, UndoInInsight)


class RevertForm(RevertInsight, frozen=True, kw_only=True):
    """plan: of the trial that the page showed. token: of the session that it showed it to."""

    plan: str
    token: str = ""


class UndoForm(UndoInInsight, frozen=True, kw_only=True):
    """The same."""

    plan: str
    token: str = ""


@get(_REVERT, opt=WRITE, exception_handlers=HANDLED)
async def revert_page(
    request: AnyRequest,
    page_caller: NamedDependency[Caller],
    taking_back: NamedDependency[TakingBack],
) -> Response[bytes]:
    """What would change if the insight were put back, and a button that does it."""
    return await _trial(request, page_caller, taking_back, _asked(request, RevertInsight))


@post(_REVERT, opt=WRITE, exception_handlers=HANDLED, status_code=303)
async def revert(
    request: AnyRequest,
    page_caller: NamedDependency[Caller],
    taking_back: NamedDependency[TakingBack],
    sent: NamedDependency[RevertForm],
) -> Response[bytes]:
    """Puts it back as the page showed, and leads to the insight."""
    asked = RevertInsight(to=sent.to, fields=sent.fields)
    return await _done(request, page_caller, taking_back, asked, sent)


@get(_UNDO, opt=WRITE, exception_handlers=HANDLED)
async def undo_page(
    request: AnyRequest,
    page_caller: NamedDependency[Caller],
    taking_back: NamedDependency[TakingBack],
) -> Response[bytes]:
    """What would change if the operation were undone on this insight, and a button that does it;
    or what stands in the way.
    """
    asked = _asked(request, UndoInInsight)
    return await _trial(request, page_caller, taking_back, asked)


@post(_UNDO, opt=WRITE, exception_handlers=HANDLED, status_code=303)
async def undo(
    request: AnyRequest,
    page_caller: NamedDependency[Caller],
    taking_back: NamedDependency[TakingBack],
    sent: NamedDependency[UndoForm],
) -> Response[bytes]:
    """Undoes it as the page showed, and leads to the insight."""
    asked = UndoInInsight(
        operation_id=sent.operation_id,
        fields=sent.fields,
        only_free=sent.only_free,
        force=sent.force,
    )
    return await _done(request, page_caller, taking_back, asked, sent)


async def _trial(
    request: AnyRequest, caller: Caller, taking_back: TakingBack, asked: Asked
) -> Response[bytes]:
    number = await taking_back.number(request.path_params["insight"], caller)
    try:
        trial = await taking_back.trial(number, asked, caller)
    except NotAsAWhole as refused:
        return _in_the_way(caller, asked, refused)
    page = rendered(
        "trial.html",
        project=caller.project,
        trial=trial,
        asked=asked,
        reverts=isinstance(asked, RevertInsight),
        fields=_fields(asked),
        token=form_token(request),
    )
    return page_answer(page)


async def _done(
    request: AnyRequest,
    caller: Caller,
    taking_back: TakingBack,
    asked: Asked,
    sent: RevertForm | UndoForm,
) -> Response[bytes]:
    require_own_form(request, sent.token)
    number = await taking_back.number(request.path_params["insight"], caller)
    try:
        version = await taking_back.do(number, asked, caller, sent.plan)
    except NotAsAWhole as refused:
        return _in_the_way(caller, asked, refused)
    except Rejected as refused:
        if refused.status not in _LOOK_AGAIN:
            raise
        return problem_answer(
            refused,
            Way("Look at what would change now", f"?{urlencode(_fields(asked))}"),
            project=caller.project,
        )
    insight = f"/projects/{caller.team_id}/insights/{number}/"
    made = "" if version is None else f"?made={version}#v{version}"
    headers = {"Location": f"{insight}{made}", "Cache-Control": "no-store"}
    return Response(b"", status_code=303, headers=headers)


def _in_the_way(caller: Caller, asked: Asked, refused: NotAsAWhole) -> Response[bytes]:
    fields = _fields(asked)
    page = rendered(
        "in_the_way.html",
        project=caller.project,
        found=refused.in_the_way,
        free=f"?{urlencode([*fields, ('only_free', 'true')])}",
        forced=f"?{urlencode([*fields, ('force', 'true')])}",
    )
    return page_answer(page, 409)


def _asked(request: AnyRequest, kind: type[A]) -> A:
    """From the query string. Raises Rejected 400 naming the parameter."""
    sent = [(name, str(value)) for name, value in request.query_params.multi_items()]
    return decode(msgspec.json.encode(form_members(sent, kind)), kind)


def _fields(asked: Asked) -> Sequence[tuple[str, str]]:
    """What is asked for, as a form spells it."""
    said: dict[str, object] = msgspec.to_builtins(asked)
    found: list[tuple[str, str]] = []
    for name, value in said.items():
        values = value if isinstance(value, list | tuple) else [value]
        found += [
            (name, "true" if each is True else str(each))
            for each in values
            if each not in (None, False)
        ]
    return found


HANDLERS = [revert_page, revert, undo_page, undo]
