"""Settings of the embedded servers: `RECOUNT_EMBEDDED_POSTGRES_URL` and so on name servers to use
instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from services.command.settings import SealOptions
from services.common.http.budgets import Budgets
from services.common.http.proxies import TrustedProxies
from services.common.settings import (
    ClickHouseCaFile,
    ClickHouseDatabase,
    ClickHousePassword,
    ClickHouseUser,
    DatabaseCaFile,
    DatabasePassword,
    InvalidSettings,
    NatsPassword,
    Settings,
    budgets,
    joined_bus,
    joined_clickhouse,
    joined_database,
    secret,
    told,
    trusted,
)
from services.common.stream import FactsOptions, Keep
from services.projector.proofs.options import ProofOptions
from services.projector.settings import FACTS_PER_SECOND
from services.projector.webhooks.options import TIMEOUT_SECONDS
from services.query.reads_trail.options import SPOOL_BYTES, Client, OnOff, ReadsOptions, Sync


class EmbeddedSettings(Settings, frozen=True, kw_only=True):
    """URLs of servers that replace the embedded ones; None: start our own in the data folder.

    A setting without a sentence is the one of the same name that a service has by itself.
    """

    postgres_url: Annotated[
        str | None,
        secret("A PostgreSQL of yours instead of the embedded one, as libpq spells it."),
    ] = None
    postgres_password: DatabasePassword = ""
    postgres_ca_file: DatabaseCaFile = ""
    postgres_app_password: Annotated[
        str, secret("The password that `recount migrate --grant` gives to the role recount_app.")
    ] = ""
    postgres_read_password: Annotated[
        str, secret("The password that `recount migrate --grant` gives to the role recount_read.")
    ] = ""
    nats_url: Annotated[
        str | None, secret("A NATS of yours instead of the embedded one: nodes, parted by commas.")
    ] = None
    nats_user: str = ""
    nats_password: NatsPassword = ""
    nats_creds_file: str = ""
    nats_ca_file: str = ""
    nats_issuer: Annotated[
        str, secret("Of a NATS of yours: the seed (`SA…`) of the key that lets subscribers in.")
    ] = ""
    nats_system_user: Annotated[
        str, secret("Of a NATS of yours: `user:password` in its system account.")
    ] = ""
    nats_public_url: str = ""
    bus_keep_days: int = 0
    bus_keep_bytes: int = 0
    bus_sweep_per_second: int = 500
    clickhouse_url: Annotated[
        str | None,
        secret(
            "A ClickHouse of yours, instead of the engine within: its shards parted by `;`, the"
            " replicas of each by `,`."
        ),
    ] = None
    clickhouse_user: ClickHouseUser = ""
    clickhouse_password: ClickHousePassword = ""
    clickhouse_ca_file: ClickHouseCaFile = ""
    clickhouse_database: ClickHouseDatabase = ""
    insights_budget: str = ""
    others_budget: str = ""
    trusted_proxies: str = ""
    audit_facts_per_second: int = FACTS_PER_SECOND
    webhooks: bool = True
    webhooks_allow: str = ""
    webhooks_ca_file: str = ""
    webhook_timeout_seconds: float = TIMEOUT_SECONDS
    streams_per_project: int | None = None
    streams_per_process: int | None = None
    stream_buffer_events: int | None = None
    stream_buffer_bytes: int | None = None
    reads: OnOff = "on"
    reads_spool: Annotated[
        str,
        told("The folder of recorded reads that are not in PostgreSQL yet; empty: the data's."),
    ] = ""
    reads_spool_bytes: int = SPOOL_BYTES
    reads_sync: Sync = "loose"
    reads_client: Client = "ip"
    reads_kept_days: Annotated[int, Meta(ge=0)] = SealOptions().reads_kept_days
    reads_seal_seconds: Annotated[float, Meta(gt=0)] = SealOptions().reads_seal_seconds

    log_key_file: Annotated[
        str,
        told("The keys that sign checkpoints: a folder, or a file; empty: the data's `keys`."),
    ] = ""
    log_origin: str = ""
    witnesses: str = ""

    def joined(self) -> Self:
        if self.postgres_url is None and (self.postgres_password or self.postgres_ca_file):
            raise InvalidSettings(
                "…_POSTGRES_PASSWORD, …_POSTGRES_CA_FILE: …_POSTGRES_URL is missing"
            )
        bus = (self.nats_user, self.nats_password, self.nats_creds_file, self.nats_ca_file)
        if self.nats_url is None and any(bus):
            raise InvalidSettings("…_NATS_USER and the like: …_NATS_URL is missing")
        clickhouse = (
            *(self.clickhouse_user, self.clickhouse_password),
            *(self.clickhouse_ca_file, self.clickhouse_database),
        )
        if self.clickhouse_url is None and any(clickhouse):
            raise InvalidSettings("…_CLICKHOUSE_USER and the like: …_CLICKHOUSE_URL is missing")
        return msgspec.structs.replace(
            self,
            postgres_url=self.postgres_url
            and joined_database(self.postgres_url, self.postgres_password, self.postgres_ca_file),
            nats_url=self.nats_url and joined_bus(self.nats_url, *bus),
            clickhouse_url=self.clickhouse_url
            and joined_clickhouse(self.clickhouse_url, *clickhouse),
        )

    def seals(self) -> SealOptions:
        """Of the trail of reads, as the command service has them."""
        return SealOptions(
            reads_kept_days=self.reads_kept_days, reads_seal_seconds=self.reads_seal_seconds
        )

    def reads_options(self, folder: Path) -> ReadsOptions:
        """Of the trail of reads. folder: of the data."""
        return ReadsOptions(
            reads=self.reads,
            reads_spool=self.reads_spool or str(folder / "reads"),
            reads_spool_bytes=self.reads_spool_bytes,
            reads_sync=self.reads_sync,
            reads_client=self.reads_client,
        )

    def streams(self) -> Mapping[str, int]:
        """The query service's settings of streams, where they are not its own defaults."""
        names = (
            *("streams_per_project", "streams_per_process"),
            *("stream_buffer_events", "stream_buffer_bytes"),
        )
        chosen = {name: getattr(self, name) for name in names}
        return {name: value for name, value in chosen.items() if value is not None}

    def proofs(self, data: Path) -> ProofOptions:
        """data: the data folder, which has the keys unless a file of them is named."""
        return ProofOptions(
            log_key_file=self.log_key_file or str(data / "keys"),
            log_origin=self.log_origin,
            witnesses=self.witnesses,
        )

    def proxies(self) -> TrustedProxies:
        """Raises InvalidSettings."""
        return trusted(self.trusted_proxies)

    def facts(self) -> FactsOptions:
        """Of the public stream."""
        keep = Keep(self.bus_keep_days, self.bus_keep_bytes)
        return FactsOptions(keep, self.bus_sweep_per_second)

    def budgets(self) -> Budgets:
        """Raises InvalidSettings."""
        return budgets(self.insights_budget, self.others_budget)
