"""The tables of product events, as values. `schema.py` renders them for one node or replicas."""

import msgspec


class Column(msgspec.Struct, frozen=True):
    """default, codec: SQL; None without one."""

    name: str
    type: str
    default: str | None = None
    codec: str | None = None


class TableProjection(msgspec.Struct, frozen=True):
    """Rows that every part of a table keeps besides its own. select: their SELECT, without FROM."""

    table: str
    name: str
    select: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    version: the column by which rows of one key replace each other; None: every row stays.
    remembered_inserts: for how many inserted parts the token of their insert is remembered, on one
    node; replicas remember more, for as long as a batch may be repeated.
    kept_since: the column with the day from which rows are kept for UUID_DAYS; None: for good.
    index_granularity: rows per mark; None for the engine's default.
    """

    name: str
    columns: tuple[Column, ...]
    projections: tuple[TableProjection, ...] = ()
    version: str | None = None
    partition_by: str | None = None
    order_by: tuple[str, ...]
    index_granularity: int | None = None
    remembered_inserts: int | None = None
    kept_since: str | None = None


_TIME = "DateTime64(6, 'UTC')"
# Whose stream `sequence` is of.
_BUCKET = Column("bucket", "UInt16", default="0")
_TEXT_AS_SENT = Column("sent", "String", codec="ZSTD(3)")

# One row per accepted event, once per (team_id, uuid).
# person_id: UUIDv5(team, first distinct id seen), as it was at capture; merges are applied at query
# time through person_overrides.
# sent: the properties' canonical JSON text.
# sequence: of the message of the capture stream that brought it; 0 without one.
# properties: the same for filters, one path per top-level key, lists and objects as their JSON text
# (contracts/product_events.py says how keys are written).
# definitions: what events and properties are called. Every part keeps it for its own rows, so it
# says neither more nor less than they do. It is made with each insert, not by merges: merges join
# only parts that have it or only such that lack it, and a part between two others would stay alone.
# A batch is one part per month at most, and only the newest batch is ever repeated.
EVENTS = Table(
    name="events",
    columns=(
        Column("team_id", "Int64"),
        Column("event", "String"),
        Column("timestamp", _TIME),
        Column("uuid", "UUID"),
        Column("distinct_id", "String"),
        Column("person_id", "UUID"),
        Column("session_id", "String", default="''"),
        *(Column(f"group_{index}", "String", default="''") for index in range(5)),
        Column("properties", "JSON"),
        _TEXT_AS_SENT,
        Column("inserted_at", _TIME),
        Column("sequence", "UInt64", default="0"),
        _BUCKET,
    ),
    projections=(
        TableProjection(
            "events",
            "definitions",
            "SELECT team_id, event, min(inserted_at), max(timestamp),"
            " distinctJSONPathsAndTypes(properties) GROUP BY team_id, event",
        ),
    ),
    partition_by="toYYYYMM(timestamp)",
    order_by=("team_id", "event", "person_id", "timestamp"),
    remembered_inserts=10_000,
)

# The uuids that are stored already, and the stream sequence that brought each: a batch that is
# repeated after a crash must not take its own rows for earlier ones. Small granules: a batch looks
# up a thousand points. A table from before `arrived` is in no partitions, and goes on like that.
EVENT_UUIDS = Table(
    name="event_uuids",
    columns=(
        Column("team_id", "Int64"),
        Column("uuid", "UUID"),
        Column("sequence", "UInt64"),
        _BUCKET,
        Column("arrived", "Date", default="today()"),
    ),
    partition_by="toYYYYMM(arrived)",
    order_by=("team_id", "uuid"),
    kept_since="arrived",
    index_granularity=256,
    remembered_inserts=1000,
)

# Merged persons: events stored under person_id belong to target_id now. Flat: a target is never
# itself merged.
PERSON_OVERRIDES = Table(
    name="person_overrides",
    columns=(
        Column("team_id", "Int64"),
        Column("person_id", "UUID"),
        Column("target_id", "UUID"),
        Column("version", "UInt64"),
    ),
    version="version",
    order_by=("team_id", "person_id"),
)

# Persons as they are now; the transactional truth is PostgreSQL's persons table.
PERSONS = Table(
    name="persons",
    columns=(
        Column("team_id", "Int64"),
        Column("person_id", "UUID"),
        Column("properties", "JSON"),
        _TEXT_AS_SENT,
        Column("is_identified", "Bool"),
        Column("created_at", _TIME),
        Column("deleted", "Bool"),
        Column("version", "UInt64"),
    ),
    version="version",
    order_by=("team_id", "person_id"),
)

PERSON_DISTINCT_IDS = Table(
    name="person_distinct_ids",
    columns=(
        Column("team_id", "Int64"),
        Column("distinct_id", "String"),
        Column("person_id", "UUID"),
        Column("version", "UInt64"),
    ),
    version="version",
    order_by=("team_id", "distinct_id"),
)

GROUPS = Table(
    name="groups",
    columns=(
        Column("team_id", "Int64"),
        Column("group_type_index", "UInt8"),
        Column("group_key", "String"),
        Column("properties", "JSON"),
        _TEXT_AS_SENT,
        Column("created_at", _TIME),
        Column("version", "UInt64"),
    ),
    version="version",
    order_by=("team_id", "group_type_index", "group_key"),
)

# The people of static cohorts. A row of nobody says which version of a list is whole, so it must
# not survive a power cut that the list did not.
COHORT_PEOPLE = Table(
    name="cohort_people",
    columns=(
        Column("team_id", "Int64"),
        Column("cohort_id", "Int64"),
        Column("person_id", "UUID"),
        Column("version", "UInt64"),
        Column("member", "Bool"),
    ),
    version="version",
    order_by=("team_id", "cohort_id", "person_id"),
)

TABLES = (
    EVENTS,
    EVENT_UUIDS,
    PERSON_OVERRIDES,
    PERSONS,
    PERSON_DISTINCT_IDS,
    GROUPS,
    COHORT_PEOPLE,
)
