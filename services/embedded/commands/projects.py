"""`recount projects`."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import rich_click as click

from services.common.accounts.accounts import Project
from services.embedded import accounts
from services.embedded.accounts import EmbeddedAccounts
from services.embedded.commands import moving_projects, shared_options


class ProjectOutput(msgspec.Struct, frozen=True):
    """A project as scripts get it."""

    id: int
    api_token: str
    name: str
    timezone: str


@click.group()
def projects() -> None:
    """Projects, each with its own events, insights and capture token."""


projects.add_command(moving_projects.export)
projects.add_command(moving_projects.import_)


@projects.command("create")
@click.argument("name")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Berlin.")
@shared_options.data_dir
@shared_options.as_json
def create(name: str, timezone: str, data_dir: Path, as_json: bool) -> None:
    """Make a project; prints its number and its capture token."""
    _check_timezone(timezone)

    async def make(writes: EmbeddedAccounts) -> Project:
        return await accounts.new_project(writes, name, timezone)

    made = shared_options.with_accounts(data_dir, make)
    if as_json:
        shared_options.print_json(ProjectOutput(made.id, made.api_token, made.name, made.timezone))
    else:
        click.echo(f"Project {made.id}: {made.name} ({made.timezone})")
        click.echo(f"Capture token {made.api_token}")


def _check_timezone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise click.BadParameter(
            f"there is no time zone {name!r}", param_hint="--timezone"
        ) from cause
