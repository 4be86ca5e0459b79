"""Settings of the projector."""

from services.common.settings import ServiceSettings


class ProjectorSettings(ServiceSettings, frozen=True, kw_only=True):
    """From `RECOUNT_PROJECTOR_…`.

    database_url: the log and the read models.
    nats_url: captured product events; clickhouse_url: where they are stored.
    host, port: where its own /_livez, /_readyz and /metrics answer, when it runs by itself.
    """

    nats_url: str
    clickhouse_url: str
    nats_replicas: int = 1
    port: int = 8002
