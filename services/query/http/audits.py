"""The query string of whoever reads a chain as an auditor."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from contracts.events.streams import StreamKind
from contracts.fact_filters import (
    FactFilter,
    TypeFilter,
    UnknownSubject,
    UnknownType,
    parse_subjects,
    parse_types,
)
from contracts.references import number_in
from services.common.http.operations import Parameter
from services.common.http.problems import invalid, not_a_choice
from services.common.http.request import AnyRequest
from services.query.audit.filters import AuditFilter
from services.query.audit.forms import LINES, Format
from services.query.http import chains, parameters
from services.query.reads.all import Reads

_BY_ACCEPT: Mapping[str, Format] = {"application/x-ndjson": "ndjson", "text/csv": "csv"}
_YES, _NO = frozenset({"true", "1"}), frozenset({"false", "0", ""})

_Time = Annotated[datetime, Meta(tz=True)]
_Cursor = Annotated[str, Meta(pattern=r"^(now|[0-9]{1,20}(-[0-9a-f]{16})?)$")]

PARAMETERS = (
    Parameter(
        name="after",
        description="A cursor, `510` or `510-339a3c39db0164c8`; `0`: the beginning; `now`: the"
        " head.",
        kind=_Cursor,
    ),
    Parameter(
        name="limit",
        description="How many; 100 unless given, 1,000 at most, 4 MiB at most.",
        kind=Annotated[int, Meta(ge=1)],
    ),
    Parameter(
        name="wait",
        description="Seconds to wait for the first that matches, 30 at most.",
        kind=Annotated[float, Meta(ge=0)],
    ),
    Parameter(
        name="follow",
        description="`true`: the answer goes on with what comes (ndjson, ocsf); an empty line every"
        " 15 seconds says that it lives.",
        kind=bool,
    ),
    Parameter(
        name="format",
        description="`ndjson`: an entry a line. `ocsf`: an OCSF 1.5.0 event a line. `csv`: the"
        " same columns on every page.",
        kind=Literal["json", "ndjson", "ocsf", "csv"],
    ),
    Parameter(name="types", description="Of these types: `insight.renamed.v1,sharing.*`."),
    Parameter(name="kinds", description="About things of these kinds: `insight,dashboard`."),
    Parameter(
        name="item",
        description="About this insight, by number or short id, its sharing, access and views too;"
        " or about one thing alone: `dashboard/2`.",
    ),
    Parameter(name="user", description="By the user of this number.", kind=int),
    Parameter(name="key_id", description="With the API key of this id."),
    Parameter(
        name="from", description="Not before this time (RFC 3339).", kind=Annotated[str, Meta()]
    ),
    Parameter(name="to", description="Before this time (RFC 3339).", kind=Annotated[str, Meta()]),
)


class AuditQuestion(msgspec.Struct, frozen=True):
    """after: the cursor as it was sent."""

    after: str
    limit: int
    wait: float
    follow: bool
    form: Format
    wanted: AuditFilter


async def audit_question(request: AnyRequest, reads: Reads, chain: int) -> AuditQuestion:
    """chain: the project whose short ids `item` may name. Raises Rejected 400 naming the
    parameter.
    """
    form, follow = asked_format(request), _follow(request)
    if follow and form not in LINES:
        raise invalid("follow", "invalid_input", "What is followed comes as ndjson or ocsf.")
    wanted = await _filter(request, reads, chain)
    if follow and wanted.until is not None:
        raise invalid("to", "invalid_input", "What is followed has no end.")
    return AuditQuestion(
        after=parameters.text(request, "after") or "0",
        limit=chains.limit(request),
        wait=chains.wait(request),
        follow=follow,
        form=form,
        wanted=wanted,
    )


async def _filter(request: AnyRequest, reads: Reads, chain: int) -> AuditFilter:
    subjects, insight = await item(request, reads, chain)
    return AuditFilter(
        facts=FactFilter(_types(request), insight, subjects),
        kinds=_kinds(request),
        user=user_number(request),
        key_id=parameters.text(request, "key_id") or None,
        since=time(request, "from"),
        until=time(request, "to"),
    )


def _types(request: AnyRequest) -> TypeFilter:
    try:
        return parse_types(parameters.text(request, "types") or "")
    except UnknownType as cause:
        raise invalid("types", "invalid_choice", str(cause)) from cause


def _kinds(request: AnyRequest) -> frozenset[str]:
    sent = (parameters.text(request, "kinds") or "").split(",")
    found = frozenset(word.strip() for word in sent) - {""}
    for word in sorted(found - {kind.value for kind in StreamKind}):
        raise not_a_choice("kinds", word)
    return found


async def item(request: AnyRequest, reads: Reads, chain: int) -> tuple[frozenset[str], int | None]:
    sent = parameters.text(request, "item") or ""
    if "/" not in sent:
        return frozenset(), await chains.insight(request, reads, chain, "item")
    try:
        return parse_subjects([sent]), None
    except UnknownSubject as cause:
        raise invalid("item", "invalid_input", str(cause)) from cause


def user_number(request: AnyRequest) -> int | None:
    sent = parameters.text(request, "user")
    if not sent:
        return None
    number = number_in(sent)
    if number is None:
        raise invalid("user", "invalid_input", "The number of a user.")
    return number


def time(request: AnyRequest, name: str) -> datetime | None:
    sent = parameters.text(request, name)
    if not sent:
        return None
    try:
        return msgspec.convert(sent, _Time)
    except msgspec.ValidationError as cause:
        said = "A time with its zone, 2026-11-30T20:41:52Z."
        raise invalid(name, "invalid_input", said) from cause


def asked_format(request: AnyRequest) -> Format:
    named = parameters.text(request, "format")
    if named is None:
        accepted = request.headers.get("accept", "")
        return next((form for kind, form in _BY_ACCEPT.items() if kind in accepted), "json")
    for form in get_args(Format):
        if named == form:
            found: Format = form
            return found
    raise not_a_choice("format", named)


def _follow(request: AnyRequest) -> bool:
    sent = (parameters.text(request, "follow") or "").lower()
    if sent not in _YES | _NO:
        raise not_a_choice("follow", sent)
    return sent in _YES
