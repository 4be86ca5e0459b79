"""Settings of the projector."""

from services.common.settings import ServiceSettings
from services.projector.webhooks.part import TIMEOUT_SECONDS, WebhookSettings, webhook_settings


class ProjectorSettings(ServiceSettings, frozen=True, kw_only=True):
    """From `RECOUNT_PROJECTOR_…`.

    database_url: the log and the read models.
    nats_url: captured product events; clickhouse_url: where they are stored.
    webhooks: whether this process delivers webhooks (any number may; each webhook is one's).
    webhooks_allow: networks that they may be sent to besides public ones, and by http, as CIDRs.
    webhooks_ca_file: certificate authorities of receivers, besides the system's.
    webhook_timeout_seconds: that a receiver has to answer.
    host, port: where its own /_livez, /_readyz and /metrics answer, when it runs by itself.
    """

    nats_url: str
    clickhouse_url: str
    nats_replicas: int = 1
    port: int = 8002
    webhooks: bool = True
    webhooks_allow: str = ""
    webhooks_ca_file: str | None = None
    webhook_timeout_seconds: float = TIMEOUT_SECONDS

    def delivery(self) -> WebhookSettings:
        """Raises InvalidSettings."""
        return webhook_settings(
            self.webhooks_allow, self.webhooks_ca_file, self.webhook_timeout_seconds
        )
