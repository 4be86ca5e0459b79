"""What the projector must be told."""

from services.common.settings import ServiceSettings


class ProjectorSettings(ServiceSettings, frozen=True, kw_only=True):
    """From `RECOUNT_PROJECTOR_…`.

    database_url: the log and the read models.
    host, port: where its own /_livez, /_readyz and /metrics answer, when it runs by itself.
    """

    port: int = 8002
