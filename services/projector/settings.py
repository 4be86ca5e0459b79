"""What the projector must be told."""

import msgspec


class ProjectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """From `RECOUNT_PROJECTOR_…`.

    database_url: the log and the read models.
    host, port: where its own /_livez, /_readyz and /metrics answer, when it runs by itself.
    """

    database_url: str
    host: str = "127.0.0.1"
    port: int = 8002
