"""`recount setup`."""

from pathlib import Path

import msgspec
import rich_click as click

from services.common.accounts.administration import IssuedKey
from services.common.postgres.buckets import BucketsAreFixed, make_buckets
from services.embedded import accounts
from services.embedded.accounts import EmbeddedAccounts
from services.embedded.commands import shared_options
from services.embedded.refusal import CannotStart


class SetupOutput(msgspec.Struct, frozen=True):
    """A deployment as scripts get it."""

    buckets: int
    key: IssuedKey


@click.command()
@click.option(
    "--buckets",
    type=click.IntRange(1, 100),
    help="How many buckets projects are spread over, for good."
    " [16 on a PostgreSQL of your own, else 1]",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 1_000),
    help="Of ClickHouse, which the buckets are spread over."
    " [as many as RECOUNT_EMBEDDED_CLICKHOUSE_URL has, parted by `;`]",
)
@shared_options.data_dir
@shared_options.as_json
def setup(buckets: int | None, shards: int | None, data_dir: Path, as_json: bool) -> None:
    """Make a deployment: its buckets, the first project, and an API key, printed this once.

    Repeated, it makes another key. The buckets stay as they are once there is a project.
    """
    wanted = buckets
    settings = shared_options.settings()
    spread = shards or len((settings.clickhouse_url or "").split(";"))
    if settings.postgres_url is None:
        if buckets not in (None, 1):
            raise CannotStart(
                "A data folder has one bucket. RECOUNT_EMBEDDED_POSTGRES_URL names the database of"
                " a deployment that has more."
            )
        wanted = 1

    async def make(writes: EmbeddedAccounts) -> SetupOutput:
        made = await make_buckets(writes.pool, wanted, spread)
        issued = await accounts.new_key(
            writes, scopes=["*"], label="Made by setup", email=None, project_id=None
        )
        return SetupOutput(made, issued)

    try:
        output = shared_options.with_accounts(data_dir, make)
    except BucketsAreFixed as refused:
        raise CannotStart(str(refused)) from refused
    if as_json:
        shared_options.print_json(output)
        return
    click.echo(output.key.key)
    click.echo(f"(id {output.key.id}, scopes *; not shown again)")
    click.echo(f"Buckets: {output.buckets}")
