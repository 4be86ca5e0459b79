"""The only file that knows `eventsourcing`: its table, lock and bell, for a writer of our own."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from psycopg.abc import Query
from psycopg.sql import SQL, Identifier

LOG_TABLE = "log"
BELL_CHANNEL = "recount_log"


class DatabaseFunctionsEnabled(RuntimeError):
    """POSTGRES_ENABLE_DB_FUNCTIONS is on: its functions insert without the table lock.

    Positions would no longer follow commit order, and a checkpoint could pass an event that
    commits late.
    """


class _StoreWithoutConnection(PostgresDatastore):
    """Settings without a connection: statements are run on the writer's own."""

    def __init__(self) -> None:
        super().__init__(dbname="", host="", port=0, user="", password="")

    def register_type_adapters(self) -> None:
        """The composite type serves only the library's own insert, which is never used."""


class LogRecorder(PostgresApplicationRecorder):
    """The library's recorder on the log's table, asked only for the statements around an insert.

    Its table lock serialises writers from check to commit. That is what makes positions gapless
    and in commit order, so it is taken exactly as the library takes it.
    """

    def __init__(self) -> None:
        super().__init__(_StoreWithoutConnection(), events_table_name=LOG_TABLE)
        self.channel_name = BELL_CHANNEL

    @property
    def locking(self) -> Sequence[Query]:
        """To run, in order, at the start of the transaction."""
        return tuple(self.lock_table_statements)

    @property
    def ringing(self) -> Query:
        """Heard by listeners once the transaction commits."""
        return SQL("NOTIFY {0}").format(Identifier(self.channel_name))

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> NoReturn:
        """Explicit positions and the library's sequence must never share a table."""
        raise NotImplementedError("appends go through services.common.log.writer")


def refuse_database_functions(environment: Mapping[str, str] | None = None) -> None:
    """The start-up check. Raises DatabaseFunctionsEnabled."""
    settings = os.environ if environment is None else environment
    value = settings.get(PostgresFactory.POSTGRES_ENABLE_DB_FUNCTIONS, "")
    if value.strip().lower() not in {"", "n", "no", "f", "false", "off", "0"}:
        raise DatabaseFunctionsEnabled(
            f"{PostgresFactory.POSTGRES_ENABLE_DB_FUNCTIONS}={value}: unset it, "
            "the log's order rests on the lock that it drops"
        )
