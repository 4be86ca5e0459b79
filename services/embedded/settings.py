"""Which of the three servers are somebody else's: `RECOUNT_EMBEDDED_POSTGRES_URL` and so on."""

import msgspec


class EmbeddedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """URLs of servers that replace the embedded ones; None: start our own in the data folder."""

    postgres_url: str | None = None
    nats_url: str | None = None
    clickhouse_url: str | None = None
