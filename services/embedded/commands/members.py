"""`recount members`."""

from pathlib import Path

import rich_click as click

from services.embedded import accounts
from services.embedded.accounts import EmbeddedAccounts, Ranked
from services.embedded.commands import shared_options

RANKS = {"1": "member", "8": "administrator", "15": "owner"}


@click.group()
def members() -> None:
    """Who may do what in the organization."""


@members.command("rank")
@click.argument("email")
@click.argument("level", type=click.Choice(list(RANKS)))
@shared_options.data_dir
@shared_options.as_json
def rank(email: str, level: str, data_dir: Path, as_json: bool) -> None:
    """Make the user with this address a member (1), an administrator (8) or an owner (15).

    Owners may erase and place holds; administrators read the whole log. `keys create --user` makes
    a member.
    """

    async def change(writes: EmbeddedAccounts) -> Ranked:
        return await accounts.change_rank(writes, email, int(level))

    ranked = shared_options.with_accounts(data_dir, change)
    if as_json:
        shared_options.print_json(ranked)
    else:
        click.echo(f"{ranked.email} is {RANKS[level]} ({level}) now.")
