"""Settings: a frozen Struct per service, filled once from the environment.

`RECOUNT_<SERVICE>_<FIELD>`, for secrets also `…_FILE` with the path of a file that holds the value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from services.common.http.budgets import Budgets, parse
from services.common.http.proxies import TrustedProxies
from services.common.webhooks.destinations import Destinations, networks

S = TypeVar("S", bound=msgspec.Struct)

# What one process works on is given to another after so long without a word of the first, which
# says one every third of it.
LEASE_SECONDS = 10.0
# No process of any release gives a longer one: such a lease is of a clock that was ahead.
LONGEST_LEASE_SECONDS = 60.0
LeaseSeconds = Annotated[float, Meta(gt=0, le=LONGEST_LEASE_SECONDS)]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of every service. database_url: PostgreSQL. host, port: where it listens.

    migrate: whether a start brings the tables up to date; else it waits for `recount migrate`.
    start_patience_seconds: how long a start waits for PostgreSQL and its tables.
    insights_budget, others_budget: requests of each key, and of each project, as `240/m 1200/h`;
    empty: not limited.
    trusted_proxies: whose X-Forwarded-Proto and -Host count, as `services.common.http.proxies`
    spells them.
    """

    database_url: str
    host: str = "127.0.0.1"
    port: int = 8000
    migrate: bool = False
    start_patience_seconds: float = 60.0
    insights_budget: str = "240/m 1200/h"
    others_budget: str = "480/m 4800/h"
    trusted_proxies: str = ""

    def proxies(self) -> TrustedProxies:
        """Raises InvalidSettings."""
        return trusted(self.trusted_proxies)

    def budgets(self) -> Budgets:
        """Raises InvalidSettings."""
        return budgets(self.insights_budget, self.others_budget)


class InvalidSettings(ValueError):
    """A setting is missing or can't be read; the message names its variable."""


def budgets(insights: str, others: str) -> Budgets:
    """As two settings spell them. Raises InvalidSettings."""
    try:
        return Budgets(insights=parse(insights), others=parse(others))
    except ValueError as cause:
        raise InvalidSettings(f"…_BUDGET: {cause}") from cause


def trusted(proxies: str) -> TrustedProxies:
    """As a setting spells them. Raises InvalidSettings."""
    try:
        return TrustedProxies(proxies)
    except ValueError as cause:
        raise InvalidSettings(f"…_TRUSTED_PROXIES: {cause}") from cause


def destinations(allow: str) -> Destinations:
    """Of webhooks, as a setting spells what is allowed. Raises InvalidSettings."""
    try:
        return Destinations(networks(allow))
    except ValueError as cause:
        raise InvalidSettings(f"…_WEBHOOKS_ALLOW: {cause}") from cause


def from_environment(kind: type[S], service: str, environ: Mapping[str, str]) -> S:
    """`kind` with the fields the environment names. Raises InvalidSettings."""
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):
        name = f"RECOUNT_{service}_{field.name}".upper()
        value = environ.get(name)
        if value is None and (path := environ.get(f"{name}_FILE")):
            try:
                value = Path(path).read_text().strip()
            except OSError as cause:
                raise InvalidSettings(f"{name}_FILE: {cause}") from cause
        if value is not None:
            found[field.name] = value
        elif field.required:
            raise InvalidSettings(f"{name} (or {name}_FILE) must be set")
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as cause:
        raise InvalidSettings(f"RECOUNT_{service.upper()}_…: {cause}") from cause
