"""Settings of the projector."""

from services.common.settings import LEASE_SECONDS, LeaseSeconds, ServiceSettings
from services.projector.proofs.options import ProofOptions
from services.projector.webhooks.options import TIMEOUT_SECONDS

FACTS_PER_SECOND = 500


class ProjectorSettings(ServiceSettings, frozen=True, kw_only=True):
    """From `RECOUNT_PROJECTOR_…`.

    database_url: the log and the read models.
    nats_url: captured product events; clickhouse_url: where they are stored.
    capture_keep_hours: how long stored messages stay on the capture stream, so that a PostgreSQL
    which went back in time can be followed by what it has lost; 0: the last thousand alone.
    lease_seconds: who stores captured events is given up after so long without a word; it says one
    every third of it.
    webhooks, webhooks_allow, webhooks_ca_file, webhook_timeout_seconds: see
    `services.projector.webhooks.options`.
    log_key_file, log_origin, witnesses: see `services.projector.proofs.options`.
    audit_facts_per_second: the pace of the auditor; 0: it is off.
    host, port: where its own /_livez, /_readyz and /metrics answer, when it runs by itself.
    """

    nats_url: str
    clickhouse_url: str
    nats_replicas: int = 1
    capture_keep_hours: int = 72
    lease_seconds: LeaseSeconds = LEASE_SECONDS
    port: int = 8002
    audit_facts_per_second: int = FACTS_PER_SECOND
    webhooks: bool = True
    webhooks_allow: str = ""
    webhooks_ca_file: str = ""
    webhook_timeout_seconds: float = TIMEOUT_SECONDS
    log_key_file: str = ""
    log_origin: str = ""
    witnesses: str = ""

    def proofs(self) -> ProofOptions:
        return ProofOptions(
            log_key_file=self.log_key_file,
            log_origin=self.log_origin,
            witnesses=self.witnesses,
        )
