"""The command service's settings: `RECOUNT_COMMAND_<FIELD>`."""

from typing import Annotated

from msgspec import Meta, Struct

from services.common.http.bounds import MOST_BYTES
from services.common.settings import ServiceSettings, destinations
from services.common.stream import FactsOptions, Keep
from services.common.webhooks.destinations import Destinations

# HIPAA's six years.
_KEPT_DAYS = 2190
_SEAL_SECONDS = 10.0


class SealOptions(Struct, frozen=True, kw_only=True):
    """reads_kept_days: how long the trail of reads is kept; 0: for ever. reads_seal_seconds: how
    often reads get their numbers and a fact.
    """

    reads_kept_days: Annotated[int, Meta(ge=0)] = _KEPT_DAYS
    reads_seal_seconds: Annotated[float, Meta(gt=0)] = _SEAL_SECONDS


class CommandSettings(ServiceSettings, frozen=True, kw_only=True):
    """database_url: PostgreSQL of log, accounts and read models. nats_url: the JetStream cluster.

    token_grace_seconds: how long a rotated share token goes on working.
    relay: whether this process publishes the log (any number may; they take turns). erase: whether
    it does the erasures that were asked for, likewise.
    nats_issuer: the seed (`SA…`) of the account key by which subscribers are let in; empty: no
    bus consumers. nats_system_user: `user:password` in the bus's system account.
    nats_public_url: what subscribers are told; empty: nats_url, without its user.
    webhooks_allow: as the projector has it, so that a webhook is refused where it would never go.
    reads_kept_days, reads_seal_seconds: see `SealOptions`.
    bus_keep_days, bus_keep_bytes: how much of the log the public stream holds; 0: all of it.
    request_seconds: after so long without the beginning of an answer, a request gets a 503.
    bus_sweep_per_second: messages of it that are compared with the log, once a day; 0: never.
    """

    nats_url: str
    nats_issuer: str = ""
    nats_system_user: str = ""
    nats_public_url: str = ""
    nats_replicas: int = 1
    token_grace_seconds: int = 300
    relay: bool = True
    erase: bool = True
    bus_keep_days: int = 0
    bus_keep_bytes: int = 0
    bus_sweep_per_second: int = 500
    max_body_bytes: int = MOST_BYTES
    request_seconds: float = 40.0
    webhooks_allow: str = ""
    reads_kept_days: Annotated[int, Meta(ge=0)] = _KEPT_DAYS
    reads_seal_seconds: Annotated[float, Meta(gt=0)] = _SEAL_SECONDS

    def destinations(self) -> Destinations:
        """Raises InvalidSettings."""
        return destinations(self.webhooks_allow)

    def facts(self) -> FactsOptions:
        """Of the public stream."""
        keep = Keep(self.bus_keep_days, self.bus_keep_bytes)
        return FactsOptions(keep, self.bus_sweep_per_second)
