"""The command service's settings: `RECOUNT_COMMAND_<FIELD>`."""

import msgspec


class CommandSettings(msgspec.Struct, frozen=True, kw_only=True):
    """database_url: PostgreSQL of log, accounts and read models. nats_url: the JetStream cluster.

    token_grace_seconds: how long a rotated share token goes on working.
    relay: whether this process publishes the log (any number may; they take turns).
    """

    database_url: str
    nats_url: str
    nats_replicas: int = 1
    host: str = "127.0.0.1"
    port: int = 8000
    token_grace_seconds: int = 300
    relay: bool = True
    max_body_bytes: int = 20 * 1024 * 1024
