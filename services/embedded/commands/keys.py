"""`recount keys`."""

from pathlib import Path

import rich_click as click

from services.common.accounts.administration import IssuedKey
from services.common.nkeys import AccountKey, new_seed
from services.embedded import accounts
from services.embedded.accounts import EmbeddedAccounts
from services.embedded.commands import shared_options


@click.group()
def keys() -> None:
    """Personal API keys; and the key by which the bus lets subscribers in."""


@keys.command("create")
@click.option("--project", "project_id", type=int, help="Limit the key to this project.")
@click.option("--scopes", default="*", show_default=True, help="Such as insight:read,query:read.")
@click.option("--user", "email", help="Its user; an unknown address becomes a member. [the first]")
@click.option(
    "--label", default="Made on the command line", show_default=True, help="What it is for."
)
@shared_options.data_dir
@shared_options.as_json
def create(
    project_id: int | None,
    scopes: str,
    email: str | None,
    label: str,
    data_dir: Path,
    as_json: bool,
) -> None:
    """Make a personal API key and print it, this once."""
    wanted = _scopes(scopes)

    async def issue(writes: EmbeddedAccounts) -> IssuedKey:
        return await accounts.new_key(
            writes, scopes=wanted, label=label, email=email, project_id=project_id
        )

    issued = shared_options.with_accounts(data_dir, issue)
    if as_json:
        shared_options.print_json(issued)
    else:
        click.echo(issued.key)
        click.echo(f"(id {issued.id}, scopes {','.join(issued.scopes)}; not shown again)")


# An id may begin with a hyphen.
@keys.command(
    "revoke", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
)
@click.argument("key_id", metavar="ID")
@shared_options.data_dir
def revoke(key_id: str, data_dir: Path) -> None:
    """Revoke a key for good: within a second it opens nothing any more.

    ID is what `keys create` printed beside it, and what facts name it by.
    """

    async def end(writes: EmbeddedAccounts) -> None:
        await accounts.revoke_key(writes, key_id)

    shared_options.with_accounts(data_dir, end)
    click.echo(f"Key {key_id} is revoked.")


@keys.command("bus")
def bus() -> None:
    """Print a new key for a NATS of your own: what the command service is told, and what nats.conf.

    The embedded one has made its own.
    """
    seed = new_seed()
    click.echo(f"NATS_ISSUER_SEED={seed}")
    click.echo(f"NATS_ISSUER={AccountKey(seed).public}")


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
