"""The query service's settings: `RECOUNT_QUERY_<FIELD>`."""

from typing import Annotated, Self

import msgspec

from services.common.http.app import REQUEST_SECONDS
from services.common.http.bounds import MOST_BYTES
from services.common.settings import (
    LEASE_SECONDS,
    ClickHouseCaFile,
    ClickHouseDatabase,
    ClickHousePassword,
    ClickHouseUser,
    LeaseSeconds,
    RequestSeconds,
    ServiceSettings,
    joined_clickhouse,
    secret,
    told,
)
from services.query.reads_trail.options import SPOOL_BYTES, Client, OnOff, ReadsOptions, Sync


class QuerySettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the query service. reads …: see `ReadsOptions`."""

    clickhouse_url: Annotated[
        str,
        secret(
            "ClickHouse, where product events are: its shards parted by `;`, the replicas of each"
            " by `,`."
        ),
    ]
    clickhouse_user: ClickHouseUser = ""
    clickhouse_password: ClickHousePassword = ""
    clickhouse_ca_file: ClickHouseCaFile = ""
    clickhouse_database: ClickHouseDatabase = ""
    clickhouse_max_memory_bytes: Annotated[
        int, told("Memory that one statement may take on ClickHouse.")
    ] = 1_800_000_000
    clickhouse_max_seconds: Annotated[
        float, told("How long one statement may run on ClickHouse.")
    ] = 60.0
    port: Annotated[int, told("The port to listen on.")] = 8001
    position_wait_seconds: Annotated[
        float,
        told("How long a read waits for the position that its caller has seen, before a 503."),
    ] = 5.0
    freshness_wait_seconds: Annotated[
        float,
        told(
            "How long a read waits for what the log holds already, before it answers with what it"
            " has, and says so."
        ),
    ] = 0.5
    max_body_bytes: Annotated[int, told("The longest body of a request.")] = MOST_BYTES
    request_seconds: RequestSeconds = REQUEST_SECONDS
    slow_seconds: Annotated[
        float,
        told("A query of product events that takes longer is told to the log, without its values."),
    ] = 5.0
    lease_seconds: Annotated[
        LeaseSeconds,
        told(
            "For so long a claimed computation is this process's, which renews that every third of"
            " it; then any process runs it again."
        ),
    ] = LEASE_SECONDS
    streams_per_project: Annotated[
        int, told("Open streams of facts that a project has in this process.")
    ] = 20
    streams_per_process: Annotated[int, told("Open streams of facts in this process.")] = 500
    stream_buffer_events: Annotated[
        int, told("Events that may wait for the reader of a stream.")
    ] = 1_000
    stream_buffer_bytes: Annotated[int, told("Bytes that may wait for the reader of a stream.")] = (
        8 * 1024 * 1024
    )
    reads: Annotated[
        OnOff, told("Whether reads are recorded; `off`: none is, and that is recorded.")
    ] = "on"
    reads_spool: Annotated[
        str,
        told(
            "The folder of recorded reads that are not in PostgreSQL yet; empty: one in the"
            " system's folder for temporary files."
        ),
    ] = ""
    reads_spool_bytes: Annotated[
        int, told("How many bytes that folder may hold; beyond them, reads get a 503.")
    ] = SPOOL_BYTES
    reads_sync: Annotated[
        Sync, told("`always`: no answer leaves before the row of its read is in PostgreSQL.")
    ] = "loose"
    reads_client: Annotated[
        Client, told("What is kept of clients: `ip` is their address, `client` their name.")
    ] = "ip"

    def joined(self) -> Self:
        return msgspec.structs.replace(
            super().joined(),
            clickhouse_url=joined_clickhouse(
                self.clickhouse_url,
                self.clickhouse_user,
                self.clickhouse_password,
                self.clickhouse_ca_file,
                self.clickhouse_database,
            ),
        )

    def reads_options(self) -> ReadsOptions:
        """Of the trail of reads."""
        return ReadsOptions(
            reads=self.reads,
            reads_spool=self.reads_spool,
            reads_spool_bytes=self.reads_spool_bytes,
            reads_sync=self.reads_sync,
            reads_client=self.reads_client,
        )
