"""`recount secrets`."""

import os
import secrets as randomness
from pathlib import Path

import rich_click as click

from services.common.nkeys import AccountKey, new_seed

_BYTES = 32
# The folder is closed to everybody else. A file in it is readable, since Docker shows it as it is
# to the containers that use it, whose users are not the one who made it.
_FOLDER_MODE, _FILE_MODE = 0o700, 0o444

PLAIN = (
    "postgres_owner",
    "postgres_app",
    "postgres_read",
    "nats_recount",
    "nats_route",
    "clickhouse_recount",
    "clickhouse_interserver",
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def secrets(folder: Path) -> None:
    """Make the files that compose.yaml's services get their secrets from; those that are missing.

    A file that is there stays as it is: a server may know its content already.
    """
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    made = [name for name in PLAIN if _write(folder / name, randomness.token_hex(_BYTES))]
    if _write(folder / "nats_system", f"sys:{randomness.token_hex(_BYTES)}"):
        made.append("nats_system")
    if _write(folder / "nats_issuer", new_seed()):
        made.append("nats_issuer")
    issuer = AccountKey((folder / "nats_issuer").read_text().strip())
    if _write(folder / "nats_issuer_public", issuer.public):
        made.append("nats_issuer_public")
    click.echo(f"{folder}: {', '.join(made) if made else 'nothing was missing'}")


def _write(path: Path, value: str) -> bool:
    """Whether it was missing. Half a secret is never there."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    with unfinished.open("x") as file:
        os.fchmod(file.fileno(), _FILE_MODE)
        file.write(f"{value}\n")
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    else:
        return True
    finally:
        unfinished.unlink()
