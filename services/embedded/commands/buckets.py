"""`recount buckets`."""

import asyncio
from pathlib import Path

import msgspec
import nats.errors
import rich_click as click
from nats.js import errors as js_errors

from services.common.postgres import database
from services.common.postgres.buckets import BucketState, bucket_states
from services.common.stream import StreamUnavailable, connect_now
from services.embedded import folder_servers
from services.embedded.commands import shared_options
from services.embedded.folder_servers import FolderServers


class ListedBucket(msgspec.Struct, frozen=True, kw_only=True):
    """behind: messages of its stream that are not stored yet; None: the bus does not tell."""

    bucket: int
    shard: int
    stream: str
    projects: int
    reached: int
    behind: int | None
    holder: str | None


@click.command()
@shared_options.data_dir
@shared_options.as_json
def buckets(data_dir: Path, as_json: bool) -> None:
    """The buckets: shard, stream, how far each is stored, how far behind, and by whom."""
    with folder_servers.servers(data_dir, shared_options.settings()) as servers:
        listed = asyncio.run(_listed(servers))
    if as_json:
        shared_options.print_json(listed)
        return
    for one in listed:
        behind = "behind unknown" if one.behind is None else f"{one.behind:,} behind"
        click.echo(
            f"bucket {one.bucket}: shard {one.shard}, {one.stream}, {one.projects:,} projects,"
            f" reached {one.reached:,}, {behind}, {_holder(one)}"
        )


def _holder(one: ListedBucket) -> str:
    return "nobody stores it" if one.holder is None else f"stored by {one.holder}"


async def _listed(servers: FolderServers) -> list[ListedBucket]:
    async with database.pool(servers.postgres_url, size=1) as pool:
        states = await bucket_states(pool)
    ends = await _ends(servers.nats_url, states)
    return [
        ListedBucket(
            bucket=state.bucket,
            shard=state.shard,
            stream=state.stream,
            projects=state.projects,
            reached=state.reached,
            behind=max(ends[state.bucket] - state.reached, 0) if state.bucket in ends else None,
            holder=state.holder,
        )
        for state in states
    ]


async def _ends(nats_url: str, states: list[BucketState]) -> dict[int, int]:
    """Bucket -> the last sequence of its stream; 0 where there is none yet."""
    try:
        client = await connect_now(nats_url, "recount buckets")
    except StreamUnavailable:
        return {}
    found = {}
    try:
        for state in states:
            try:
                info = await client.jetstream().stream_info(state.stream)
            except js_errors.NotFoundError:
                found[state.bucket] = 0
            else:
                found[state.bucket] = int(info.state.last_seq)
    except (nats.errors.Error, js_errors.Error, TimeoutError, OSError):
        pass  # the others are not told either
    finally:
        await client.close()
    return found
