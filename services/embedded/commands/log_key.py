"""`recount log-key`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import rich_click as click
from psycopg.rows import scalar_row

from services.common.postgres.database import Pool
from services.common.postgres.installation import installation
from services.common.proofs.checkpoints import LogKey, log_keys
from services.common.proofs.origins import log_origin, project_origin
from services.embedded import datadir
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart
from services.projector.proofs import log_keys as keys_of_the_log
from services.projector.proofs.key_files import KeyFiles, UnusableKey
from services.projector.proofs.log_keys import NothingToRotate, OldKeyMissing


class ShownKey(msgspec.Struct, frozen=True):
    """vkey: of one project's checkpoints. until: it signs no more from then on."""

    project: int
    vkey: str
    since: datetime
    until: datetime | None
    lost: bool


@click.group("log-key")
def log_key() -> None:
    """The key that signs the log's checkpoints."""


@log_key.command("show")
@shared_options.data_dir
@shared_options.as_json
def show(data_dir: Path, as_json: bool) -> None:
    """Print the public keys, as whoever verifies a checkpoint wants them."""
    _print(shared_options.with_database(data_dir, _shown), as_json=as_json)


@log_key.command("rotate")
@click.option("--lost", is_flag=True, help="The old key is gone, or not ours alone: it ends now.")
@shared_options.data_dir
@shared_options.as_json
def rotate(lost: bool, data_dir: Path, as_json: bool) -> None:
    """Make a new key, which signs from now on; the old one signs beside it for 24 hours.

    Every project's log says so. Beside a running server, too.
    """
    files = KeyFiles(Path(shared_options.settings().proofs(datadir.whole(data_dir)).log_key_file))

    async def run(pool: Pool) -> Sequence[ShownKey]:
        origin = await _origin(pool)
        async with pool.connection() as conn:
            await keys_of_the_log.rotate(conn, files, origin, lost=lost)
        return await _shown(pool)

    try:
        _print(shared_options.with_database(data_dir, run), as_json=as_json)
    except NothingToRotate as cause:
        raise CannotStart("No key has signed anything yet: `recount serve` makes one.") from cause
    except OldKeyMissing as cause:
        raise CannotStart(
            f"The key that signs is not in {files.path}: put it there, or end it with --lost."
        ) from cause
    except UnusableKey as cause:
        raise CannotStart(str(cause)) from cause


async def _origin(pool: Pool) -> str:
    return log_origin(shared_options.settings().log_origin, await installation(pool))


async def _shown(pool: Pool) -> Sequence[ShownKey]:
    """Of every chain, those of one beside each other, oldest first."""
    origin = await _origin(pool)
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=scalar_row)
        await cursor.execute("SELECT team_id FROM log_heads ORDER BY team_id")
        chains = await cursor.fetchall()
    found = await log_keys(pool)
    return [_of(key, project_origin(origin, chain), chain) for chain in chains for key in found]


def _of(key: LogKey, origin: str, chain: int) -> ShownKey:
    return ShownKey(chain, key.named(origin).text, key.since, key.until, key.lost)


def _print(shown: Sequence[ShownKey], *, as_json: bool) -> None:
    if as_json:
        shared_options.print_json(shown)
        return
    for key in shown:
        until = "" if key.until is None else f", until {key.until:%Y-%m-%d %H:%M}Z"
        click.echo(key.vkey)
        click.echo(
            f"  since {key.since:%Y-%m-%d %H:%M}Z{until}{', lost' if key.lost else ''}", err=True
        )
