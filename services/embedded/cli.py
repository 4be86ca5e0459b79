"""The `recount` command."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import rich_click as click

from services.common import database
from services.common.accounts import Project
from services.common.administration import IssuedKey
from services.common.database import Pool
from services.common.settings import InvalidSettings, from_environment
from services.embedded import accounts, beside
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings

T = TypeVar("T")

_DATA_DIR = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("recount-data"),
    show_default="./recount-data",
    help="Folder that holds everything: log, read models, product events.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


def main() -> None:
    """What the `recount` script runs: refusals become one sentence and exit code 1."""
    try:
        recount(prog_name="recount")
    except (CannotStart, InvalidSettings) as refused:
        click.echo(f"recount: {refused}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recount")
def recount() -> None:
    """PostHog's Insights API on an event-sourced core."""


@recount.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@_DATA_DIR
@click.option("--no-demo", is_flag=True, help="First start: leave the demo data set out.")
def serve(host: str, port: int, data_dir: Path, no_demo: bool) -> None:
    """Start everything and serve until Ctrl-C or SIGTERM.

    The first start makes an organization, a user, project 1 and a personal API key, imports a small
    demo data set, and prints what to try.
    """
    # Here and not above: the services and chDB take a second to import, other commands none.
    from services.embedded.serving import Serving, serve_until_stopped

    wanted = Serving(host=host, port=port, data_dir=data_dir, demo=not no_demo)
    sys.exit(serve_until_stopped(wanted, _settings()))


@recount.group()
def keys() -> None:
    """Personal API keys."""


@keys.command("create")
@click.option("--project", "project_id", type=int, help="Limit the key to this project.")
@click.option("--scopes", default="*", show_default=True, help="Such as insight:read,query:read.")
@click.option("--user", "email", help="Its user; an unknown address becomes a member. [the first]")
@click.option("--label", default="Made on the command line", show_default=True)
@_DATA_DIR
@_JSON
def create_key(
    project_id: int | None,
    scopes: str,
    email: str | None,
    label: str,
    data_dir: Path,
    as_json: bool,
) -> None:
    """Make a personal API key and print it, this once."""
    wanted = _scopes(scopes)

    async def create(pool: Pool) -> IssuedKey:
        return await accounts.new_key(
            pool, scopes=wanted, label=label, email=email, project_id=project_id
        )

    issued = _with_database(data_dir, create)
    if as_json:
        _print_json(issued)
    else:
        click.echo(
            f"{issued.key}\n(id {issued.id}, scopes {','.join(issued.scopes)}; not shown again)"
        )


@recount.group()
def projects() -> None:
    """Projects, each with its own events, insights and capture token."""


@projects.command("create")
@click.argument("name")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Berlin.")
@_DATA_DIR
@_JSON
def create_project(name: str, timezone: str, data_dir: Path, as_json: bool) -> None:
    """Make a project; prints its number and its capture token."""
    _check_timezone(timezone)

    async def create(pool: Pool) -> Project:
        return await accounts.new_project(pool, name, timezone)

    made = _with_database(data_dir, create)
    if as_json:
        _print_json(_ShownProject(made.id, made.api_token, made.name, made.timezone))
    else:
        click.echo(
            f"Project {made.id}: {made.name} ({made.timezone})\nCapture token {made.api_token}"
        )


class _ShownProject(msgspec.Struct, frozen=True):
    id: int
    api_token: str
    name: str
    timezone: str


def _settings() -> EmbeddedSettings:
    return from_environment(EmbeddedSettings, "embedded", os.environ)


def _with_database(data: Path, wanted: Callable[[Pool], Awaitable[T]]) -> T:
    """What `wanted` gives on the data folder's database."""

    async def run(url: str) -> T:
        async with database.pool(url, size=2) as pool:
            return await wanted(pool)

    with beside.database(data, _settings()) as url:
        return asyncio.run(run(url))


def _scopes(text: str) -> list[str]:
    """`a:read,b:write` or `*`. Raises click.BadParameter."""
    scopes = [scope.strip() for scope in text.split(",") if scope.strip()]
    for scope in scopes:
        name, colon, action = scope.partition(":")
        if scope != "*" and not (name and colon and action in ("read", "write")):
            raise click.BadParameter(
                f"{scope!r} is neither * nor like insight:read", param_hint="--scopes"
            )
    if not scopes:
        raise click.BadParameter("no scope given", param_hint="--scopes")
    return scopes


def _check_timezone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise click.BadParameter(
            f"there is no time zone {name!r}", param_hint="--timezone"
        ) from cause


def _print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())
