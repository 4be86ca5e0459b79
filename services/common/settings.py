"""Settings: a frozen Struct per service, filled once from the environment.

`RECOUNT_<SERVICE>_<FIELD>`, for secrets also `…_FILE` with the path of a file that holds the value.
A field's description is the sentence that `recount settings` prints.
"""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import psycopg
from msgspec import Meta
from msgspec.inspect import Field, Metadata, StructType
from psycopg.conninfo import make_conninfo

from services.common import bus
from services.common.http.budgets import Budgets, parse
from services.common.http.proxies import TrustedProxies
from services.common.webhooks.destinations import Destinations, networks

PREFIX = "RECOUNT"
SERVICES = ("command", "query", "projector", "embedded")

# What one process works on is given to another after so long without a word of the first, which
# says one every third of it.
LEASE_SECONDS = 10.0
# No process of any release gives a longer one: such a lease is of a clock that was ahead.
LONGEST_LEASE_SECONDS = 60.0
LeaseSeconds = Annotated[float, Meta(gt=0, le=LONGEST_LEASE_SECONDS)]


def told(sentence: str) -> Meta:
    """A field's sentence for the list of settings."""
    return Meta(description=sentence)


def secret(sentence: str) -> Meta:
    """The same for a secret: its value may be in a file, and is never shown."""
    return Meta(description=sentence, extra={"secret": True})


# Settings of several services.
DatabasePassword = Annotated[
    str, secret("The password of PostgreSQL's user, where the URL has none.")
]
DatabaseCaFile = Annotated[
    str,
    told(
        "Authorities that have signed PostgreSQL's certificate: nothing is said to a server that"
        " has none for its name."
    ),
]
NatsUrl = Annotated[str, secret("The bus, NATS with JetStream: its nodes, separated by commas.")]
NatsUser = Annotated[str, told("The bus's user, where the URL has none.")]
NatsPassword = Annotated[str, secret("The password of the bus's user.")]
NatsCredsFile = Annotated[
    str, told("A file of credentials for the bus, instead of a user and a password.")
]
NatsCaFile = Annotated[
    str,
    told(
        "Authorities that have signed the certificates of the bus: nothing is said to a node that"
        " has none for its name."
    ),
]
NatsReplicas = Annotated[int, told("Replicas of each stream on the bus.")]
ClickHouseUser = Annotated[str, told("ClickHouse's user, where the URL has none.")]
ClickHousePassword = Annotated[str, secret("The password of ClickHouse's user.")]
ClickHouseCaFile = Annotated[
    str,
    told(
        "Authorities that have signed the certificates of ClickHouse's servers, whose URLs begin"
        " with https://."
    ),
]
ClickHouseDatabase = Annotated[
    str, told("ClickHouse's database, where the URL has none; empty: `recount`.")
]
WebhooksAllow = Annotated[
    str,
    told(
        "Networks that webhooks may be sent to besides public ones, and by http, as CIDRs; the"
        " same for command and projector."
    ),
]
RequestSeconds = Annotated[
    float, told("After so long without the beginning of an answer, a request gets a 503.")
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `from_environment` fills."""

    def joined(self) -> Self:
        """With passwords and files of authorities in the URLs that they are for: whatever connects
        is told a URL alone. Raises InvalidSettings.
        """
        return self


S = TypeVar("S", bound=Settings)


class ServiceSettings(Settings, frozen=True, kw_only=True):
    """Settings of every service."""

    database_url: Annotated[
        str,
        secret(
            "PostgreSQL of the log, the accounts and the read models, as libpq spells it; several"
            " hosts with `target_session_attrs=read-write` follow a failover."
        ),
    ]
    database_password: DatabasePassword = ""
    database_ca_file: DatabaseCaFile = ""
    host: Annotated[str, told("The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, told("The port to listen on.")] = 8000
    migrate: Annotated[
        bool,
        told("Whether a start brings the tables up to date; else it waits for `recount migrate`."),
    ] = False
    start_patience_seconds: Annotated[
        float, told("How long a start waits for PostgreSQL and its tables.")
    ] = 60.0
    insights_budget: Annotated[
        str,
        told("Requests for insights of each key, and of each project; empty: not limited."),
    ] = "240/m 1200/h"
    others_budget: Annotated[
        str, told("All other requests of each key, and of each project; empty: not limited.")
    ] = "480/m 4800/h"
    trusted_proxies: Annotated[
        str,
        told(
            "Addresses and networks of the proxies whose X-Forwarded-Proto and -Host count,"
            " separated by commas; `*`: everybody's."
        ),
    ] = ""

    def joined(self) -> Self:
        return msgspec.structs.replace(
            self,
            database_url=joined_database(
                self.database_url, self.database_password, self.database_ca_file
            ),
        )

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


def joined_database(url: str, password: str, ca_file: str) -> str:
    """PostgreSQL's URL with them; empty: as it is. Raises InvalidSettings."""
    chosen = {"password": password} if password else {}
    if ca_file:
        _check_authorities("…_CA_FILE", ca_file)
        chosen |= {"sslmode": "verify-full", "sslrootcert": ca_file}
    try:
        return make_conninfo(url, **chosen) if chosen else url
    except psycopg.ProgrammingError as cause:
        raise InvalidSettings(f"…_URL of PostgreSQL: {cause}") from cause


def joined_bus(url: str, user: str, password: str, creds_file: str, ca_file: str) -> str:
    """The bus's URL with them; empty: as it is. Raises InvalidSettings."""
    if user and creds_file:
        raise InvalidSettings("…_NATS_USER and …_NATS_CREDS_FILE are both set: give one of them")
    if password and not user:
        raise InvalidSettings("…_NATS_PASSWORD is set: give …_NATS_USER, too")
    if (user or creds_file) and "@" in url:
        raise InvalidSettings("…_NATS_URL names a user, and so does another setting: give one")
    if ca_file:
        _check_authorities("…_NATS_CA_FILE", ca_file)
    return bus.entered(url, user, password, creds_file=creds_file, ca_file=ca_file)


def joined_clickhouse(url: str, user: str, password: str, ca_file: str, database: str) -> str:
    """ClickHouse's URL with them, in each of its replicas; empty: as it is. Raises
    InvalidSettings.
    """
    if password and not user:
        raise InvalidSettings("…_CLICKHOUSE_PASSWORD is set: give …_CLICKHOUSE_USER, too")
    if user and "@" in url:
        raise InvalidSettings("…_CLICKHOUSE_URL names a user, and so does another setting")
    if ca_file:
        _check_authorities("…_CLICKHOUSE_CA_FILE", ca_file)
    entrance = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    chosen = {"ca_file": ca_file, "database": database}
    options = urlencode({name: value for name, value in chosen.items() if value}, quote_via=quote)
    if not entrance and not options:
        return url
    shards = [one.split(",") for one in url.split(";")]
    entered = ([_entered(each, entrance, options) for each in one] for one in shards)
    return ";".join(",".join(one) for one in entered)


def _entered(url: str, entrance: str, options: str) -> str:
    parts = urlsplit(url.strip())
    query = "&".join(each for each in (parts.query, options) if each)
    return parts._replace(netloc=f"{entrance}{parts.netloc}", query=query).geturl()


def _check_authorities(name: str, path: str) -> None:
    """Raises InvalidSettings for a file that has none."""
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as cause:
        raise InvalidSettings(f"{name}: {path}: {cause}") from cause


def from_environment(kind: type[S], service: str, environ: Mapping[str, str]) -> S:
    """`kind` with the fields the environment names. Raises InvalidSettings."""
    found: dict[str, str] = {}
    for field in fields(kind):
        name = variable(service, field.name)
        value = _secret(name, environ) if is_secret(field) else environ.get(name)
        if value is not None:
            found[field.name] = value
        elif field.required:
            or_file = f" (or {name}_FILE)" if is_secret(field) else ""
            raise InvalidSettings(f"{name}{or_file} must be set")
    try:
        return msgspec.convert(found, kind, strict=False).joined()
    except msgspec.ValidationError as cause:
        raise InvalidSettings(f"{variable(service, '')}…: {cause}") from cause


def unknown(kind: type[Settings], service: str, environ: Mapping[str, str]) -> Sequence[str]:
    """Variables that look like settings and are none: of this service, or of none at all."""
    names = {variable(service, field.name) for field in fields(kind)}
    files = {f"{variable(service, field.name)}_FILE" for field in fields(kind) if is_secret(field)}
    others = tuple(variable(each, "") for each in SERVICES if each != service)
    return sorted(
        name
        for name in environ
        if name.startswith(f"{PREFIX}_")
        and name not in names | files
        and not name.startswith(others)
    )


def variable(service: str, field: str) -> str:
    """The name of a setting in the environment."""
    return f"{PREFIX}_{service}_{field}".upper()


def fields(kind: type[Settings]) -> Sequence[Field]:
    """Of settings, in their order."""
    described = msgspec.inspect.type_info(kind)
    return described.fields if isinstance(described, StructType) else ()


def is_secret(field: Field) -> bool:
    """Whether it may be in a file, and is never shown."""
    return isinstance(field.type, Metadata) and bool((field.type.extra or {}).get("secret"))


def _secret(name: str, environ: Mapping[str, str]) -> str | None:
    """The value itself, or the file's without the end of its line; None: neither is given."""
    value, path = environ.get(name), environ.get(f"{name}_FILE")
    if not path:
        return value
    if value:
        raise InvalidSettings(f"{name} and {name}_FILE are both set: give one of them")
    try:
        read = Path(path).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as cause:
        raise InvalidSettings(f"{name}_FILE: {path}: {cause}") from cause
    if not read:
        raise InvalidSettings(f"{name}_FILE: {path} is empty")
    return read
