"""The command service's settings: `RECOUNT_COMMAND_<FIELD>`."""

from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct

from services.common.http.bounds import MOST_BYTES
from services.common.settings import (
    NatsCaFile,
    NatsCredsFile,
    NatsPassword,
    NatsReplicas,
    NatsUrl,
    NatsUser,
    RequestSeconds,
    ServiceSettings,
    WebhooksAllow,
    destinations,
    joined_bus,
    secret,
    told,
)
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
    """Settings of the command service. reads_kept_days, reads_seal_seconds: see `SealOptions`."""

    nats_url: NatsUrl
    nats_user: NatsUser = ""
    nats_password: NatsPassword = ""
    nats_creds_file: NatsCredsFile = ""
    nats_ca_file: NatsCaFile = ""
    nats_issuer: Annotated[
        str,
        secret(
            "The seed (`SA…`) of the account key that lets subscribers in; empty: no bus consumers."
        ),
    ] = ""
    nats_system_user: Annotated[str, secret("`user:password` in the bus's system account.")] = ""
    nats_public_url: Annotated[
        str,
        told("The bus's address for subscribers; empty: NATS_URL, without its user."),
    ] = ""
    nats_replicas: NatsReplicas = 1
    token_grace_seconds: Annotated[int, told("How long a rotated share token goes on working.")] = (
        300
    )
    relay: Annotated[
        bool, told("Whether this process publishes the log; any number may, they take turns.")
    ] = True
    erase: Annotated[
        bool, told("Whether this process does erasures that were asked for; they take turns, too.")
    ] = True
    bus_keep_days: Annotated[
        int, told("Days of the log that the public stream holds; 0: all of them.")
    ] = 0
    bus_keep_bytes: Annotated[
        int, told("Bytes of the log that the public stream holds; 0: all of them.")
    ] = 0
    bus_sweep_per_second: Annotated[
        int,
        told("Messages of the public stream that are compared with the log, once a day; 0: none."),
    ] = 500
    max_body_bytes: Annotated[int, told("The longest body of a request.")] = MOST_BYTES
    request_seconds: RequestSeconds = 40.0
    webhooks_allow: WebhooksAllow = ""
    reads_kept_days: Annotated[
        int, Meta(ge=0), told("Days that the trail of reads is kept; 0: for ever.")
    ] = _KEPT_DAYS
    reads_seal_seconds: Annotated[
        float, Meta(gt=0), told("How often reads get their numbers and a fact.")
    ] = _SEAL_SECONDS

    def joined(self) -> Self:
        bus = joined_bus(
            self.nats_url,
            self.nats_user,
            self.nats_password,
            self.nats_creds_file,
            self.nats_ca_file,
        )
        return msgspec.structs.replace(super().joined(), nats_url=bus)

    def destinations(self) -> Destinations:
        """Raises InvalidSettings."""
        return destinations(self.webhooks_allow)

    def facts(self) -> FactsOptions:
        """Of the public stream."""
        keep = Keep(self.bus_keep_days, self.bus_keep_bytes)
        return FactsOptions(keep, self.bus_sweep_per_second)
