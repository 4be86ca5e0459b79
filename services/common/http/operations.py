"""Descriptions of routes beyond their paths: `opt={…, **reads(InsightBody)}` beside the handler.

The OpenAPI document is built from these alone (services.common.http.schema); nothing here is looked
at when a request is answered. A route without one fails a test.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from contracts.api.plans import MEDIA_TYPE as PLAN
from contracts.api.plans import PlanBody
from contracts.headers import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    INSIGHTS_AS_OF,
    INSIGHTS_AS_OF_SETTLED,
    INSIGHTS_OPERATION,
    INSIGHTS_POSITION,
    LONGEST_KEY,
)
from services.common.http.as_of import AS_OF
from services.common.http.dry_run import DRY_RUN

DESCRIBES = "describes"
_LEFT_OUT = "left_out"
LEFT_OUT = {_LEFT_OUT: True}
"""In the `opt` of a page for people, which the OpenAPI document does not list."""

JsonText = Annotated[str, Meta(extra_json_schema={"contentMediaType": "application/json"})]
"""A list or an object, spelled as JSON in a query string."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter. kind: any type that msgspec can describe. example: what one may try with."""

    name: str
    description: str
    kind: Any = str
    location: Literal["query", "header", "path"] = "query"
    required: bool = False
    example: str | None = None


class AnswerDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer. kind: of its body, a tuple when it has the members of several; None for
    an empty one. also: by media type, what it may be instead. headers: that it carries.
    """

    kind: Any = None
    also: Mapping[str, Any] = {}
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()


class RouteDescription(msgspec.Struct, frozen=True, kw_only=True):
    """answers: by status. errors: statuses beside those of every route of its sort, which the
    document knows. body: its type, where the handler reads it by itself and has no `sent`; None
    when none is read. project_token: the capture token of a project is its bearer.
    """

    answers: Mapping[int, AnswerDescription]
    body: Any = None
    body_required: bool = False
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    project_token: bool = False


Described = dict[str, RouteDescription]

OPERATION = (INSIGHTS_POSITION, INSIGHTS_OPERATION)
"""Of the answer to a command: the operation is named when facts were appended."""
_VERSION = (IF_MATCH, IDEMPOTENCY_KEY)
HEADERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            name=IF_MATCH,
            location="header",
            kind=Annotated[
                str,
                Meta(pattern=r'^(\*|(W/)?"[0-9]{1,15}(-[0-9A-Za-z_-]*)?"|"plan-[0-9A-Za-z_-]+")$'),
            ],
            description="The ETag that was decided on, `*`, or a plan. 412 when it has moved on.",
        ),
        Parameter(
            name=IDEMPOTENCY_KEY,
            location="header",
            kind=Annotated[str, Meta(pattern=f"^[!-~]{{1,{LONGEST_KEY}}}$")],
            description="A repeat under the same key has the first answer and no second effect.",
        ),
        Parameter(
            name=IF_NONE_MATCH,
            location="header",
            description="The ETag of the body the client has: 304 when it is still the same.",
        ),
        Parameter(
            name=INSIGHTS_POSITION,
            location="header",
            kind=Annotated[int, Meta(ge=0)],
            description="The read is no older than this position of the log, or 503.",
        ),
    )
}


_AS_OF = Parameter(
    name=AS_OF,
    description="As it was: at a version (v7, of one thing), a position (p812), a sequence (s510),"
    " or a time with its zone. Results are of today.",
    kind=Annotated[str, Meta(pattern=r"^([vps][0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$")],
)


def reads(kind: Any, *parameters: Parameter, as_of: bool = False) -> dict[str, Any]:
    """A GET of something that facts made: versioned, and no older than the caller has seen.

    as_of: whether it can be asked as of another moment.
    """
    if as_of:
        shown = _reads(kind, *parameters, _AS_OF, headers=(INSIGHTS_AS_OF, INSIGHTS_AS_OF_SETTLED))
        return {**shown, AS_OF: True}
    return {**_reads(kind, *parameters)}


def _reads(kind: Any, *parameters: Parameter, headers: tuple[str, ...] = ()) -> Described:
    return described(
        RouteDescription(
            answers={
                200: AnswerDescription(
                    kind=kind, headers=("ETag", INSIGHTS_POSITION, "Insights-Stale", *headers)
                ),
                304: AnswerDescription(headers=("ETag", INSIGHTS_POSITION)),
            },
            parameters=(*parameters, HEADERS[IF_NONE_MATCH], HEADERS[INSIGHTS_POSITION]),
        )
    )


def tells(kind: Any, *parameters: Parameter) -> Described:
    """A GET of rows in plain tables: without a version, its ETag is a digest alone."""
    return described(
        RouteDescription(
            answers={
                200: AnswerDescription(kind=kind, headers=("ETag",)),
                304: AnswerDescription(headers=("ETag",)),
            },
            parameters=(*parameters, HEADERS[IF_NONE_MATCH]),
        )
    )


def shows(
    kind: Any, *parameters: Parameter, pending: Any = None, errors: tuple[int, ...] = ()
) -> Described:
    """A GET of something else: results, jobs. pending: of a 202, where there is one."""
    answers = {200: AnswerDescription(kind=kind), **_pending(pending)}
    return described(RouteDescription(answers=answers, parameters=parameters, errors=errors))


def writes(
    kind: Any,
    *,
    status: int = 200,
    empty: int | None = None,
    headers: tuple[str, ...] = (),
) -> Described:
    """A command. headers: of its answer, beside the usual. empty: the status of a success that has
    nothing to show, beside `status`.
    """
    nothing = AnswerDescription(headers=OPERATION)
    shown = (
        AnswerDescription(kind=kind, headers=("ETag", *OPERATION, *headers)) if kind else nothing
    )
    answers = {status: shown}
    if empty is not None:
        answers[empty] = nothing
    return described(
        RouteDescription(
            answers=answers,
            parameters=tuple(HEADERS[name] for name in _VERSION),
            errors=(409, 412, 422),
        )
    )


_DRY_RUN = Parameter(
    name=DRY_RUN,
    kind=bool,
    description="`true`: nothing is done; the answer is what would be, and a plan for If-Match.",
)


def plannable(operation: Described, plan: Any = PlanBody) -> dict[str, Any]:
    """A command that there are dry runs of. plan: the type of their answer."""
    told = operation[DESCRIBES]
    answers = dict(told.answers)
    usual = answers.get(200)
    if usual is None or usual.kind is None:
        answers[200] = AnswerDescription(kind=plan, media_type=PLAN)
    else:
        answers[200] = replace(usual, also={**usual.also, PLAN: plan})
    parameters = (*told.parameters, _DRY_RUN)
    status = min(told.answers)
    shown = replace(told, answers=answers, parameters=parameters)
    return {DESCRIBES: shown, DRY_RUN: True, "planned_status": status}


def does(
    body: Any,
    kind: Any,
    *parameters: Parameter,
    status: int = 200,
    required: bool = False,
    pending: Any = None,
    errors: tuple[int, ...] = (),
    headers: tuple[str, ...] = (),
) -> Described:
    """A POST, PATCH or DELETE that is no versioned command.

    body: see RouteDescription. required: it needs its body. pending: of a 202, where there is one.
    headers: of its answer.
    """
    return described(
        RouteDescription(
            answers={status: AnswerDescription(kind=kind, headers=headers), **_pending(pending)},
            body=body,
            body_required=required,
            parameters=parameters,
            errors=errors,
        )
    )


def _pending(kind: Any) -> dict[int, AnswerDescription]:
    return {} if kind is None else {202: AnswerDescription(kind=kind)}


def is_left_out(opt: Mapping[str, Any]) -> bool:
    return bool(opt.get(_LEFT_OUT))


def described(operation: RouteDescription) -> Described:
    return {DESCRIBES: operation}
