"""Query strings: how each parameter is read, and what is refused. Unknown ones are ignored."""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from contracts.headers import INGEST_POSITION, INSIGHTS_POSITION
from contracts.ingest_position import BEGINNING, IngestPosition, ingest_position_in
from contracts.queries.errors import InvalidQuery
from contracts.queries.kinds import listed_names
from contracts.references import number_in
from services.common.accounts.accounts import Project
from services.common.http.problems import Rejected, invalid
from services.common.http.request import AnyRequest
from services.query.events import dates
from services.query.reads.listing import ORDER_FIELDS, InsightFilter, Order
from services.query.results.cache import Positions

T = TypeVar("T")

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1_000
LONGEST_SEARCH = 200
_LARGEST = 2**63 - 1
_TRUE = frozenset({"true", "1", "yes", "t", "y", "on"})


def text(request: AnyRequest, name: str) -> str | None:
    """A parameter's last value; None when it is absent. A text that can't be stored never comes
    here.
    """
    values = request.query_params.getall(name, [])
    return str(values[-1]) if values else None


def flag(request: AnyRequest, name: str) -> bool:
    """Whether a parameter says yes: `true`, `True`, `1` …"""
    value = text(request, name)
    return value is not None and value.strip().lower() in _TRUE


def number(request: AnyRequest, name: str, default: int, *, least: int, most: int) -> int:
    """As DRF reads paging: no number, or one too small, is the default; one too large the most."""
    value = text(request, name)
    try:
        found = int(value) if value is not None else default
    except ValueError:
        return default
    return default if found < least else min(found, most)


def at_least(request: AnyRequest) -> int | None:
    """The position its caller has seen. Raises Rejected 400 for anything but a number."""
    return _position(request, INSIGHTS_POSITION)


def seen(request: AnyRequest) -> Positions:
    """The positions that numbers must include. Raises Rejected 400 for what is none."""
    return Positions(
        events=_ingest_position(request) or BEGINNING,
        facts=_position(request, INSIGHTS_POSITION) or 0,
    )


def _ingest_position(request: AnyRequest) -> IngestPosition | None:
    value = request.headers.get(INGEST_POSITION)
    if value is None:
        return None
    found = ingest_position_in(value)
    if found is None:
        raise _no_position(INGEST_POSITION)
    return found


def _position(request: AnyRequest, header: str) -> int | None:
    value = request.headers.get(header)
    if value is None:
        return None
    found = number_in(value)
    if found is None:
        raise _no_position(header)
    return found


def _no_position(header: str) -> Rejected:
    return invalid(header, "invalid_input", f"A position is what {header} told in an answer.")


def insight_filter(request: AnyRequest, project: Project) -> InsightFilter:
    """The filter of `GET insights/`. Raises Rejected 400 naming the parameter."""
    search, kind, saved = text(request, "search"), text(request, "insight"), text(request, "saved")
    kinds = listed_names()
    dashboards = _json(request, "dashboards", list[int])
    tags = _json(request, "tags", list[str])
    return InsightFilter(
        short_id=text(request, "short_id"),
        created_by=_numbers(text(request, "created_by"), "created_by"),
        mine=text(request, "user") is not None,
        saved=None if not saved else flag(request, "saved"),
        favorited=text(request, "favorited") is not None,
        after=_date(request, "date_from", project),
        before=_date(request, "date_to", project),
        created_after=_date(request, "created_date_from", project),
        created_before=_date(request, "created_date_to", project),
        kind=kind if kind in kinds else None,
        search=searched(search),
        dashboards=tuple(dashboards) if dashboards else None,
        tags=tuple(tag.strip().lower() for tag in tags) if tags else None,
        nothing=(bool(kind) and kind not in kinds)
        or any(not -_LARGEST <= number <= _LARGEST for number in dashboards or ()),
        order=_order(text(request, "order") or text(request, "ordering")),
    )


def searched(sent: str | None, attr: str = "search") -> str | None:
    """The text to search, case-folded; None for nothing. Raises Rejected 400 when too long."""
    if sent is None:
        return None
    if len(sent) > LONGEST_SEARCH:
        raise invalid(attr, "max_length", f"Search has no more than {LONGEST_SEARCH} characters.")
    # As the projector folds what is searched, U+001F included.
    return sent.strip().replace("\x1f", " ").casefold() or None


def _order(sent: str | None) -> Order | None:
    if not sent:
        return None
    field = sent.removeprefix("-")
    if field not in ORDER_FIELDS:
        raise invalid(
            "order",
            "invalid_choice",
            f"Insights are ordered by: {', '.join(sorted(ORDER_FIELDS))}.",
        )
    return Order(field, sent != field)  # type: ignore[arg-type]  # ORDER_FIELDS are its values


def _date(request: AnyRequest, name: str, project: Project) -> datetime | None:
    sent = text(request, name)
    if not sent or sent == "all":
        return None
    calendar = dates.Calendar(
        datetime.now(UTC), project.timezone, week_starts_monday=project.week_start_day == 1
    )
    try:
        if name.endswith("date_from"):
            return dates.lower(sent, calendar, attr=name)
        return dates.upper(sent, calendar, attr=name)
    except InvalidQuery as cause:
        raise invalid(name, cause.code, cause.detail) from cause


def _numbers(sent: str | None, name: str) -> tuple[int, ...] | None:
    """One number, or a JSON array of them; an empty one asks for nothing."""
    if not sent:
        return None
    try:
        found = msgspec.json.decode(sent, type=int | list[int])
    except msgspec.DecodeError as cause:
        raise invalid(name, "invalid_input", "A valid integer is required.") from cause
    numbers = [found] if isinstance(found, int) else found
    # Larger ones are nobody's.
    return tuple(one for one in numbers if -_LARGEST <= one <= _LARGEST) if numbers else None


def _json(request: AnyRequest, name: str, kind: type[list[T]]) -> list[T] | None:
    sent = text(request, name)
    if not sent:
        return None
    try:
        return msgspec.json.decode(sent, type=kind)
    except msgspec.DecodeError as cause:
        raise _not_a_list(name) from cause


def _not_a_list(name: str) -> Rejected:
    return invalid(name, "invalid_input", f"{name} is a list, written as JSON.")
