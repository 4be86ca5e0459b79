"""One application of all services, for one process."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from litestar import Litestar
from litestar.routes import BaseRoute

from services.command import app as command
from services.command import publishing
from services.command.audit import app as audit
from services.command.bus_consumers import app as bus_consumers
from services.command.capture import app as capture
from services.command.settings import CommandSettings, SealOptions
from services.common.bus_accounts import NO_SUBSCRIBERS, LettingIn
from services.common.http.app import compose
from services.common.http.budgets import UNLIMITED, Budgets
from services.common.http.foundation import foundation
from services.common.http.presence import present
from services.common.http.proxies import NOBODY, TrustedProxies
from services.common.stream import FACTS_DEFAULTS, FactsOptions
from services.projector import app as projector
from services.projector.auditor import part as auditing
from services.projector.product_events import part as ingesting
from services.projector.proofs import part as signing
from services.projector.proofs.options import NO_KEY, ProofOptions
from services.projector.settings import FACTS_PER_SECOND
from services.projector.webhooks import part as delivering
from services.projector.webhooks.options import DEFAULTS, WebhookOptions
from services.query import app as query
from services.query.reads_trail.options import ReadsOptions
from services.query.settings import QuerySettings

NO_CHOICES: Mapping[str, int] = {}
RECORDED = ReadsOptions()
SEALED = SealOptions()


class Urls(Protocol):
    """Where the servers are."""

    @property
    def postgres_url(self) -> str: ...
    @property
    def nats_url(self) -> str: ...
    @property
    def clickhouse_url(self) -> str: ...


def application(
    urls: Urls,
    budgets: Budgets = UNLIMITED,
    proxies: TrustedProxies = NOBODY,
    subscribers: LettingIn = NO_SUBSCRIBERS,
    webhooks: WebhookOptions = DEFAULTS,
    facts: FactsOptions = FACTS_DEFAULTS,
    streams: Mapping[str, int] = NO_CHOICES,
    reads: ReadsOptions = RECORDED,
    seals: SealOptions = SEALED,
    proofs: ProofOptions = NO_KEY,
    audit_facts_per_second: int = FACTS_PER_SECOND,
) -> Litestar:
    """Command, projector and query on the same servers; they know nothing of each other.

    Raises InvalidSettings.
    """
    commands = CommandSettings(
        database_url=urls.postgres_url,
        nats_url=urls.nats_url,
        nats_issuer=subscribers.issuer,
        nats_system_user=subscribers.system_user,
        nats_public_url=subscribers.public_url,
        webhooks_allow=webhooks.webhooks_allow,
        bus_keep_days=facts.keep.days,
        bus_keep_bytes=facts.keep.bytes,
        bus_sweep_per_second=facts.sweep_per_second,
        reads_kept_days=seals.reads_kept_days,
        reads_seal_seconds=seals.reads_seal_seconds,
    )
    parts = [
        present(urls.postgres_url, "all services"),
        foundation(urls.postgres_url, budgets, proxies),
        command.part(commands),
        capture.part(urls.nats_url),
        publishing.part(commands),
        bus_consumers.part(commands),
        audit.part(commands),
        ingesting.part(urls.postgres_url, urls.nats_url, urls.clickhouse_url),
        projector.part(urls.postgres_url),
        signing.part(urls.postgres_url, proofs),
        auditing.part(urls.postgres_url, projector.rebuildable(), audit_facts_per_second),
        *([delivering.part(urls.postgres_url, webhooks)] if webhooks.webhooks else []),
        query.part(
            msgspec.structs.replace(
                QuerySettings(database_url=urls.postgres_url, clickhouse_url=urls.clickhouse_url),
                **streams,
                **msgspec.structs.asdict(reads),
            ),
            proxies,
        ),
    ]
    return compose(parts)


class _EmptySettings(msgspec.Struct, frozen=True):
    postgres_url: str = "postgresql:///"
    nats_url: str = "nats://"
    clickhouse_url: str = "http://"


def described() -> Sequence[BaseRoute]:
    """Every route there is, for the OpenAPI document; nothing is opened. pyproject.toml names this,
    so that a service that runs by itself tells of the others, too, and imports none of them.
    """
    return application(_EmptySettings()).routes
