"""The questions of bench_trends in the plain SQL that comes to mind, for the engine and for DuckDB.

DuckDB has the same rows with its properties in columns of their own, where ours are read from JSON.
"""

from pathlib import Path

import duckdb
import msgspec

from services.common.clickhouse import ClickHouse


class Plain(msgspec.Struct, frozen=True):
    """Over tables `e`, the series' events (person, at, day, session, v, w, n), and `persons` (id,
    day). duckdb: where it has other functions.
    """

    text: str
    duckdb: str | None = None


COUNT = Plain("SELECT day, count(*) FROM e GROUP BY day")
BY_FEW = Plain("SELECT day, v, count(*) FROM e GROUP BY day, v")
BY_MANY = Plain("SELECT day, w, count(*) FROM e GROUP BY day, w")
SUM = Plain("SELECT day, sum(n) FROM e GROUP BY day")
P90 = Plain(
    "SELECT day, quantileExactInclusive(0.9)(n) FROM e GROUP BY day",
    "SELECT day, quantile_cont(n, 0.9) FROM e GROUP BY day",
)
PERSONS = Plain(
    "SELECT day, uniqExact(person) FROM e GROUP BY day",
    "SELECT day, count(DISTINCT person) FROM e GROUP BY day",
)
PERSONS_BY_FEW = Plain(
    "SELECT day, v, uniqExact(person) FROM e GROUP BY day, v",
    "SELECT day, v, count(DISTINCT person) FROM e GROUP BY day, v",
)
SESSIONS = Plain(
    "SELECT day, uniqExact(session) FROM e GROUP BY day",
    "SELECT day, count(DISTINCT session) FROM e GROUP BY day",
)
FIRST_TIME = Plain(
    "SELECT day, count(*) FROM (SELECT person, min(day) AS day FROM e GROUP BY person) AS f"
    " GROUP BY day"
)
COUNTS = Plain(
    "SELECT day, avg(c) FROM (SELECT day, person, count(*) AS c FROM e GROUP BY day, person) AS f"
    " GROUP BY day"
)
STICKINESS = Plain(
    "SELECT days, count(*) FROM"
    " (SELECT person, count(DISTINCT day) AS days FROM e GROUP BY person) AS f GROUP BY days"
)
OFTEN = Plain(
    "SELECT days, count(*) FROM (SELECT person, count(*) AS days FROM"
    " (SELECT person, day FROM e GROUP BY person, day HAVING count(*) >= 2) AS f"
    " GROUP BY person) AS g GROUP BY days"
)
LIFECYCLE = Plain(
    """WITH
        d AS (SELECT DISTINCT person, day FROM e),
        w AS (SELECT person, day,
            lagInFrame(toNullable(day)) OVER (PARTITION BY person ORDER BY day
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before,
            leadInFrame(toNullable(day)) OVER (PARTITION BY person ORDER BY day
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS after FROM d),
        s AS (SELECT w.day AS day, multiIf(persons.day = w.day, 'new',
            ifNull(before = w.day - 1, 0), 'returning', 'resurrecting') AS status
            FROM w LEFT JOIN persons ON persons.id = w.person
            UNION ALL SELECT day + 1, 'dormant' FROM w WHERE ifNull(after != day + 1, 1))
    SELECT day, status, count() FROM s GROUP BY day, status""",
    """WITH
        d AS (SELECT DISTINCT person, day FROM e),
        w AS (SELECT person, day, lag(day) OVER p AS before, lead(day) OVER p AS after FROM d
            WINDOW p AS (PARTITION BY person ORDER BY day)),
        s AS (SELECT w.day, CASE WHEN persons.day = w.day THEN 'new'
            WHEN before = w.day - 1 THEN 'returning' ELSE 'resurrecting' END AS status
            FROM w LEFT JOIN persons ON persons.id = w.person
            UNION ALL SELECT day + 1, 'dormant' FROM w WHERE after IS DISTINCT FROM day + 1)
    SELECT day, status, count(*) FROM s GROUP BY day, status""",
)


def active(days: int) -> Plain:
    """Each event on so many days, and distinct persons of these."""
    return Plain(
        "SELECT until, uniqExact(person) FROM"
        f" (SELECT person, day + arrayJoin(range({days})) AS until FROM e) GROUP BY until",
        "SELECT until, count(DISTINCT person) FROM"
        f" (SELECT person, day + unnest(range({days})) AS until FROM e) GROUP BY until",
    )


_READ = (
    "SELECT person_id AS person, timestamp AS at, toInt32(toDate(timestamp)) AS day,"
    " session_id AS session, properties.v.:String AS v, properties.w.:String AS w,"
    " properties.n.:Float64 AS n FROM events WHERE event = 'e1'"
)
_PERSONS = "SELECT person_id AS id, toInt32(toDate(created_at)) AS day FROM persons"


def for_engine(plain: Plain) -> str:
    """Columns that a question does not name are not read."""
    parts = f"e AS ({_READ}), persons AS ({_PERSONS})"
    if plain.text.startswith("WITH"):
        return f"WITH {parts},{plain.text.removeprefix('WITH')}"
    return f"WITH {parts} {plain.text}"


async def duck(clickhouse: ClickHouse, folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB, with the same rows in memory, two threads of it."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    for name, text, columns in (("e", _READ, "* REPLACE (person::UUID AS person)"),
                                ("persons", _PERSONS, "* REPLACE (id::UUID AS id)")):  # fmt: skip
        file, key = folder / f"{name}.parquet", "person" if name == "e" else "id"
        await clickhouse.command(
            f"INSERT INTO FUNCTION file('{file}', Parquet) "
            f"SELECT * REPLACE (toString({key}) AS {key}) FROM ({text}) ORDER BY {key}"
        )
        connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM '{file}'")
    return connection
