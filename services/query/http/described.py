"""Descriptions of query strings for the OpenAPI document; `parameters` reads them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from contracts.api.correlation_filters import CorrelationPeople, RunCorrelation
from contracts.api.explain import ExplainPerson
from contracts.api.funnel_filters import FunnelPeople, RunFunnel
from contracts.api.period_filters import LifecyclePeople, RunTrend, StickinessPeople, TrendPeople
from contracts.api.webhooks import AttemptState
from contracts.queries.kinds import listed_names
from contracts.read_models.activity import ACTIVITIES, Scope
from services.common.http.operations import JsonText, Parameter
from services.common.insights.results.freshness import Refresh
from services.query.events.definitions import OWNERS
from services.query.http.parameters import LONGEST_SEARCH
from services.query.reads.listing import ORDER_FIELDS

_ORDERS = sorted(ORDER_FIELDS)
Order = Literal[(*_ORDERS, *(f"-{field}" for field in _ORDERS))]  # type: ignore[valid-type]  # of our own constants
Kind = Literal[tuple(sorted(listed_names()))]  # type: ignore[valid-type]  # of our own constants
Day = Annotated[
    str,
    Meta(
        # As the funnel's dates: a day, a time, or relative to now.
        pattern=r"^(all|-?[0-9]{1,4}[hdwmqyMs](Start|End)?|[dwmqy](Start|End)"
        r"|[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9])?)$"
    ),
]
Numbers = Annotated[JsonText, Meta(pattern=r"^\[([0-9]{1,15}(,[0-9]{1,15})*)?\]$")]
Users = Annotated[str, Meta(pattern=r"^([0-9]{1,15}|\[[0-9]{1,15}(,[0-9]{1,15})*\])$")]
Names = Annotated[
    JsonText, Meta(pattern=r'^\[("[^"\\\u0000-\u001f]*"(,"[^"\\\u0000-\u001f]*")*)?\]$')
]
Search = Annotated[str, Meta(max_length=LONGEST_SEARCH)]


def _of(name: str, description: str, kind: Any = str) -> Parameter:
    return Parameter(name=name, description=description, kind=kind)


_CURSOR = _of("cursor", "As `next` carries it: where the page begins, whatever the offset.")
PAGE = (
    _of("limit", "How many; 100 unless given, 1,000 at most.", int),
    _of("offset", "How many to leave out at the beginning.", int),
    _CURSOR,
)
NAMED_PAGE = (*PAGE, _of("search", "In the name.", Search))
ATTEMPTS = (
    _of("limit", "How many; 100 unless given, 1,000 at most.", int),
    _of("after", "The number of the attempt to begin behind.", int),
    _of("state", "What became of them.", AttemptState),
)
RESULTS = (
    _of("refresh", "Whether to compute the result, and whether to wait for it.", Refresh | bool),
    _of("client_query_id", "The client's name for the run: query/ and insights/cancel/ take it."),
    _of("filters_override", "Filters that go before the query's own.", JsonText),
)
SHARED = _of("sharing_access_token", "In place of a key: the token of a share, for its insight.")
INSIGHT = (
    *RESULTS,
    _of("include", "More than PostHog tells: changes, incomplete, late, result_hash …"),
    _of(
        "from_dashboard", "Its filters go before the query's; the answer has the tile's look.", int
    ),
    SHARED,
)
INSIGHTS = (
    *PAGE,
    _of("short_id", "Exactly this one."),
    _of("created_by", "By this user, or by any of these: a number, or a list of numbers.", Users),
    _of("saved", "true: saved, or on a dashboard; false: not saved.", bool),
    _of("favorited", "Present: only favorites."),
    _of("user", "Present: only the caller's."),
    _of("date_from", "Last modified after this date, absolute or relative.", Day),
    _of("date_to", "Last modified before this date, absolute or relative.", Day),
    _of("created_date_from", "Created after this date, absolute or relative.", Day),
    _of("created_date_to", "Created before this date, absolute or relative.", Day),
    _of("insight", "Of this kind, however it is stored.", Kind),
    _of("search", "In name, derived name, description and tags; names that are alike too.", Search),
    _of("dashboards", "On all of these dashboards: a list of numbers.", Numbers),
    _of("tags", "With any of these tags: a list of names.", Names),
    _of("order", "A field; `-` before it: descending.", Order),
    _of("ordering", "The same.", Order),
    _of("basic", "The basic shape.", bool),
    *RESULTS,
    SHARED,
)
Activity = Literal[tuple(sorted(ACTIVITIES))]  # type: ignore[valid-type]  # of our own constants
LogOrder = Literal["created_at", "-created_at"]
FactCursor = Annotated[str, Meta(pattern=r"^(now|[0-9]{1,20}(-[0-9a-f]{16})?)$")]
Moment = Annotated[datetime, Meta(tz=True)]
_SCOPES = (
    _of("scope", "Of this kind of thing: Insight, Dashboard …", Scope),
    _of("scopes", "Of these kinds: names with commas between them."),
    _of("item_id", "Of the thing with this id."),
)
ACTIVITY = (
    _of("limit", "How many; 10 unless given, 1,000 at most.", int),
    _of("page", "From 1.", int),
    _CURSOR,
    _of(
        "after",
        "Oldest first, from behind this cursor (`510`, as `through` and `sequence` have it) on.",
        FactCursor,
    ),
    _of("before", "Newest first, from before this cursor back; `now`: the newest.", FactCursor),
    _of(
        "wait",
        "With `after`: seconds to wait for the first entry, 30 at most.",
        Annotated[float, Meta(ge=0)],
    ),
    *_SCOPES,
    _of("user", "By the user of this number.", int),
    _of("key_id", "With the API key of this id."),
    _of("activity", "Only these.", Activity),
    _of("field", "That changed this field."),
    _of("operation_id", "Of this operation.", UUID),
    _of("from", "Not before this time (RFC 3339).", Moment),
    _of("to", "Before this time (RFC 3339).", Moment),
    _of("all", "With the entries that PostHog does not make.", bool),
)
_LOG_PAGE = (
    _of("page_size", "How many; 100 unless given, 1,000 at most.", int),
    _of("page", "From 1; without it, pages are named by a cursor.", int),
    _CURSOR,
    _of("all", "With the entries that PostHog does not make.", bool),
)
ACTIVITY_LOG = (
    *_LOG_PAGE,
    _of("scope", "Of this kind of thing: Insight, Dashboard …"),
    _of("scopes", "Of these kinds: names with commas between them."),
    _of("item_id", "Of the thing with this id."),
    _of("user", "By this user: a UUID, or a number."),
)
ADVANCED_ACTIVITY_LOG = (
    *_LOG_PAGE,
    _of("activities", "Only these: names with commas between them."),
    _of("scopes", "Of these kinds of things: names with commas between them."),
    _of("item_ids", "Of the things with these ids, with commas between them."),
    _of("users", "By these users: UUIDs with commas between them."),
    _of("is_system", "true: by Recount itself; false: by anybody else.", bool),
    _of("search_text", "In the name and the changes.", Search),
    _of("start_date", "Not before this time, or this day.", Moment),
    _of("end_date", "Not after it.", Moment),
    _of("ordering", "`-created_at`, unless given: newest first.", LogOrder),
    _of("schema", "`ocsf`: the results are OCSF 1.5.0 events."),
    _of("include_values", "With OCSF: the values before and after, too.", bool),
    _of("follow", "`next` is there at the end, too: ask for what comes.", bool),
)
PATCH = _of("patch", "true: documents as RFC 6902 patches, too.", bool)
VERSIONS = (
    _of("limit", "How many; 20 unless given, 1,000 at most.", int),
    _of("before", "Only versions below this one.", int),
    _of("activity", "Only these.", Literal["created", "updated", "deleted", "restored"]),
    _of("user", "Only by this user.", int),
    PATCH,
)
TRENDING = (
    _of("days", "How many days back; 7 unless given.", int),
    _of("limit", "How many; 10 unless given, 100 at most.", int),
)
DIFF = (
    _of("from", "v2, p701, s510, a time, or now; the version before `to` unless given."),
    _of("to", "The same; now unless given."),
)
EVENT_DEFINITIONS = (*PAGE, _of("search", "Words that the name has, all of them."))
EVENT_DEFINITION = (
    Parameter(name="name", description="The whole of it, as it was captured.", required=True),
)
PROPERTY_DEFINITIONS = (
    *EVENT_DEFINITIONS,
    _of("type", "Whose; `event` unless given.", Literal[OWNERS]),
    _of("event_names", "Tell which of the properties these events have: a list of names.", Names),
    _of("filter_by_event_names", "true: only the properties that these events have.", bool),
    _of("group_type_index", "Of groups of this type.", Literal[0, 1, 2, 3, 4]),
    _of("properties", "Only these: names with commas between them."),
    _of("excluded_properties", "Without these: a list of names.", Names),
    _of("exclude_core_properties", "true: without those whose names begin with `$`.", bool),
    _of("is_numerical", "Only numbers, or all but numbers.", bool),
)
NODE = (
    Parameter(name="query", description="The node.", kind=JsonText, required=True),
    _of("async", "As refresh=async.", bool),
    *RESULTS,
)


def _spelled(kind: type[msgspec.Struct]) -> tuple[Parameter, ...]:
    """A body's members as parameters: text, which is JSON where the member is a list or object."""
    return tuple(
        _of(name, schema.get("description", "As in the body."))
        for name, schema in msgspec.json.schema_components((kind,))[1][kind.__name__][
            "properties"
        ].items()
    )


FUNNEL = _spelled(RunFunnel)
TREND = _spelled(RunTrend)
PEOPLE = _spelled(FunnelPeople)
TREND_PEOPLE = _spelled(TrendPeople)
STICKINESS_PEOPLE = _spelled(StickinessPeople)
LIFECYCLE_PEOPLE = _spelled(LifecyclePeople)
EXPLAIN = _spelled(ExplainPerson)
CORRELATION = _spelled(RunCorrelation)
CORRELATION_PEOPLE = _spelled(CorrelationPeople)
REFRESH = (_of("refresh", "true recomputes; else a refresh mode.", Refresh | bool),)
