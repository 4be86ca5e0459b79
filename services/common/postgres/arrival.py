"""A service's tables, before it serves: it waits for PostgreSQL, and for who may change them."""

from time import monotonic, sleep

import psycopg

from services.common.logs import logger
from services.common.postgres.migrate import OlderTables, check_tables, migrate
from services.common.tasks import describe

log = logger("recount.process")

LOOK_SECONDS = 0.5
TELL_SECONDS = 5.0


class DatabaseNotThere(Exception):
    """PostgreSQL, or the tables that this code needs, did not come in time."""


def await_tables(url: str, *, may_change: bool, patience_seconds: float) -> None:
    """Returns when this code can work on the database's tables.

    may_change: bring them up to date; else somebody else does, and it is waited for as well.
    patience_seconds: how long. A log line tells now and then what is waited for.
    Raises DatabaseNotThere after that, and NewerTables at once.
    """
    begun = monotonic()
    told = begun - TELL_SECONDS
    while True:
        try:
            (migrate if may_change else check_tables)(url)
        except (psycopg.OperationalError, OlderTables) as cause:
            now = monotonic()
            if now - begun >= patience_seconds:
                raise DatabaseNotThere(
                    f"Not started after {patience_seconds:g} s: {_first_line(cause)}"
                ) from cause
            if now - told >= TELL_SECONDS:
                log.warning("start_waits", cause=_first_line(cause))
                told = now
        else:
            return
        sleep(LOOK_SECONDS)


def _first_line(cause: Exception) -> str:
    return describe(cause).partition("\n")[0]
