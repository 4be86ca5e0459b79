"""`recount migrate`."""

import sys
from pathlib import Path

import rich_click as click

from services.common.postgres import roles
from services.common.postgres.roles import APP, READ, RolesRefused
from services.embedded import folder_database
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart

NODES_AWAY = 3


@click.command()
@shared_options.data_dir
@click.option(
    "--grant", is_flag=True, help="Also make the roles recount_app and recount_read, or renew them."
)
def migrate(data_dir: Path, grant: bool) -> None:
    """Bring the tables up to date: PostgreSQL's, and those of all ClickHouse's nodes.

    `recount serve` does so by itself. Services that run by themselves wait for this before they
    serve. Repeated, it does nothing. Exit code 3: a node of ClickHouse does not answer.

    --grant: services that run as recount_app change no tables, and no entry of the log;
    recount_read reads what holds no secret. Passwords: RECOUNT_EMBEDDED_POSTGRES_APP_PASSWORD and
    …_READ_PASSWORD, or files that …_FILE names. To repeat with every release.
    """
    settings = shared_options.settings()
    if grant and settings.postgres_url is None:
        raise CannotStart("--grant is for a PostgreSQL of your own: RECOUNT_EMBEDDED_POSTGRES_URL.")
    with folder_database.database(data_dir, settings) as url:
        if grant:
            passwords = {
                APP: settings.postgres_app_password,
                READ: settings.postgres_read_password,
            }
            try:
                roles.grant(url, passwords)
            except RolesRefused as cause:
                raise CannotStart(str(cause)) from cause
            click.echo(f"{APP} and {READ} have their rights.")
        if settings.clickhouse_url is not None:
            _nodes(url, settings.clickhouse_url)
        click.echo("The tables are up to date.")


def _nodes(postgres_url: str, clickhouse_url: str) -> None:
    # Here and not above: its driver takes long to load.
    from services.common.clickhouse import migrate as clickhouse

    try:
        clickhouse.migrate(postgres_url, clickhouse_url)
    except clickhouse.NodesAway as away:
        click.echo(str(away), err=True)
        sys.exit(NODES_AWAY)
