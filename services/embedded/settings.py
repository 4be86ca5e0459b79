"""Settings of the embedded servers: `RECOUNT_EMBEDDED_POSTGRES_URL` and so on name servers to use
instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from services.command.settings import SealOptions
from services.common.http.budgets import Budgets
from services.common.http.proxies import TrustedProxies
from services.common.settings import budgets, trusted
from services.common.stream import FactsOptions, Keep
from services.projector.proofs.options import ProofOptions
from services.projector.settings import FACTS_PER_SECOND
from services.projector.webhooks.options import TIMEOUT_SECONDS
from services.query.reads_trail.options import SPOOL_BYTES, Client, OnOff, ReadsOptions, Sync


class EmbeddedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """URLs of servers that replace the embedded ones; None: start our own in the data folder.

    nats_issuer, nats_system_user: of a NATS of your own, as the command service has them.
    nats_public_url: what subscribers are told. bus_keep_days, bus_keep_bytes, bus_sweep_per_second:
    of the public stream, as the command service has them. insights_budget, others_budget,
    trusted_proxies: as `services.common.settings` has them; nothing is limited here unless it is
    asked for. reads …: as the query service has them; the spool is in the data folder unless named.
    audit_facts_per_second: as the projector has it.
    webhooks …: as `services.projector.webhooks.options` has them. stream…: as the query
    service has them. log_key_file: empty: the data folder's `keys`. log_origin, witnesses: as
    `services.projector.proofs.options` has them.
    """

    postgres_url: str | None = None
    nats_url: str | None = None
    nats_issuer: str = ""
    nats_system_user: str = ""
    nats_public_url: str = ""
    bus_keep_days: int = 0
    bus_keep_bytes: int = 0
    bus_sweep_per_second: int = 500
    clickhouse_url: str | None = None
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
    reads_spool: str = ""
    reads_spool_bytes: int = SPOOL_BYTES
    reads_sync: Sync = "loose"
    reads_client: Client = "ip"
    reads_kept_days: Annotated[int, Meta(ge=0)] = SealOptions().reads_kept_days
    reads_seal_seconds: Annotated[float, Meta(gt=0)] = SealOptions().reads_seal_seconds

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

    log_key_file: str = ""
    log_origin: str = ""
    witnesses: str = ""

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
