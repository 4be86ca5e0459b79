"""`recount history`."""

from pathlib import Path
from urllib.parse import urlencode

import rich_click as click

from services.common.accounts import login_links
from services.common.accounts.login_links import LIFETIME_MINUTES, LoginLink
from services.embedded import accounts, datadir
from services.embedded.accounts import EmbeddedAccounts
from services.embedded.commands import shared_options

LABEL = "Made for a link to the pages"


@click.group()
def history() -> None:
    """The pages that show a project's insights, and what became of them."""


@history.command("link")
@click.option("--project", "project_id", type=int, help="Its number. [the only one]")
@click.option(
    "--user", "email", help="Who opens it; an unknown address becomes a member. [the first]"
)
@click.option("--url", help="Where the pages are served. [where this data folder is]")
@shared_options.data_dir
def link(project_id: int | None, email: str | None, url: str | None, data_dir: Path) -> None:
    """Print a link that opens a project's pages, once, within ten minutes.

    It opens them in the name of a key of its own, limited to the project. The key ends with the
    session: twelve hours after the link is used, when one signs out, or when it is revoked.
    """

    async def issue(writes: EmbeddedAccounts) -> tuple[str, str]:
        pool = writes.pool
        number = await accounts.only_project(pool) if project_id is None else project_id
        key = await accounts.new_key(
            writes, scopes=["*"], label=LABEL, email=email, project_id=number
        )
        return key.id, await login_links.issue(pool, LoginLink(key.id, number))

    key_id, secret = shared_options.with_accounts(data_dir, issue)
    running = datadir.find(data_dir)
    base = url or (running.url if running is not None else "")
    click.echo(f"{base.rstrip('/')}/login/?{urlencode({'link': secret})}")
    click.echo(f"(once, within {LIFETIME_MINUTES} minutes; key id {key_id})", err=True)
