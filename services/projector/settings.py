"""Settings of the projector."""

from typing import Annotated, Self

import msgspec
from msgspec import Meta

from services.common.settings import (
    LEASE_SECONDS,
    ClickHouseCaFile,
    ClickHouseDatabase,
    ClickHousePassword,
    ClickHouseUser,
    LeaseSeconds,
    NatsCaFile,
    NatsCredsFile,
    NatsPassword,
    NatsReplicas,
    NatsUrl,
    NatsUser,
    ServiceSettings,
    WebhooksAllow,
    joined_bus,
    joined_clickhouse,
    secret,
    told,
)
from services.projector.proofs.options import ProofOptions
from services.projector.webhooks.options import TIMEOUT_SECONDS

FACTS_PER_SECOND = 500


class ProjectorSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the projector. host, port: of its own /_livez, /_readyz and /metrics.

    webhooks…: see `services.projector.webhooks.options`. log_key_file, log_origin, witnesses: see
    `services.projector.proofs.options`.
    """

    nats_url: NatsUrl
    nats_user: NatsUser = ""
    nats_password: NatsPassword = ""
    nats_creds_file: NatsCredsFile = ""
    nats_ca_file: NatsCaFile = ""
    clickhouse_url: Annotated[
        str,
        secret(
            "ClickHouse, where product events are: its shards parted by `;`, the replicas of each"
            " by `,`."
        ),
    ]
    clickhouse_user: ClickHouseUser = ""
    clickhouse_password: ClickHousePassword = ""
    clickhouse_ca_file: ClickHouseCaFile = ""
    clickhouse_database: ClickHouseDatabase = ""
    clickhouse_quorum: Annotated[
        int,
        told(
            "Replicas of a shard that must have what is stored before it counts; 0: both of two, of"
            " more the majority."
        ),
    ] = 0
    uuid_days: Annotated[
        int,
        Meta(ge=1),
        told("Days that the uuids of stored events are remembered: a repeat after that counts."),
    ] = 90
    nats_replicas: NatsReplicas = 1
    capture_keep_hours: Annotated[
        int,
        told(
            "Hours that stored messages stay on the capture stream, from which a PostgreSQL that"
            " went back in time is followed up; 0: the last thousand alone."
        ),
    ] = 72
    lease_seconds: Annotated[
        LeaseSeconds,
        told(
            "Who stores captured events is given up after so long without a word; it says one"
            " every third of it."
        ),
    ] = LEASE_SECONDS
    port: Annotated[int, told("The port to listen on.")] = 8002
    audit_facts_per_second: Annotated[
        int, told("The pace at which the auditor folds the log again; 0: it is off.")
    ] = FACTS_PER_SECOND
    webhooks: Annotated[bool, told("Whether this process delivers webhooks.")] = True
    webhooks_allow: WebhooksAllow = ""
    webhooks_ca_file: Annotated[
        str, told("Authorities of the receivers' certificates, besides the system's.")
    ] = ""
    webhook_timeout_seconds: Annotated[
        float, told("How long one request to a receiver may take in all.")
    ] = TIMEOUT_SECONDS
    log_key_file: Annotated[
        str,
        told(
            "The keys that sign checkpoints: a folder, or a file with the newest last; empty:"
            " nothing is signed."
        ),
    ] = ""
    log_origin: Annotated[
        str, told("The beginning of each checkpoint's origin; empty: the installation's.")
    ] = ""
    witnesses: Annotated[
        str, told("Who signs checkpoints, too: `<vkey> <url>`, separated by semicolons.")
    ] = ""

    def joined(self) -> Self:
        bus = joined_bus(
            self.nats_url,
            self.nats_user,
            self.nats_password,
            self.nats_creds_file,
            self.nats_ca_file,
        )
        clickhouse = joined_clickhouse(
            self.clickhouse_url,
            self.clickhouse_user,
            self.clickhouse_password,
            self.clickhouse_ca_file,
            self.clickhouse_database,
        )
        return msgspec.structs.replace(super().joined(), nats_url=bus, clickhouse_url=clickhouse)

    def proofs(self) -> ProofOptions:
        return ProofOptions(
            log_key_file=self.log_key_file,
            log_origin=self.log_origin,
            witnesses=self.witnesses,
        )
