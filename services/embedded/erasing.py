"""`recount erase` on a data folder: asks for an erasure, and waits until it is done.

A running server does it; without one, all services run here for as long as it takes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from contracts.api.erasures import WriteErasure
from services.command.audit.erasures import request_by_system
from services.command.audit.looking import Look, Looking
from services.common import logs
from services.common.http.problems import Rejected
from services.common.log.store import EventStore
from services.common.postgres import database, erasures
from services.common.postgres.database import Pool
from services.common.postgres.erasures import Step
from services.common.postgres.migrate import migrate
from services.embedded import datadir, folder_database, serving
from services.embedded.refusal import CannotStart
from services.embedded.settings import EmbeddedSettings

T = TypeVar("T")

LOOK_SECONDS = 0.1


class Erased(msgspec.Struct, frozen=True):
    """counts: how much went, by place."""

    id: int
    state: str
    counts: dict[str, int]


OnProgress = Callable[[int, int, str], None]
"""Told how many places are done, of how many, and which is next."""


def look(data: Path, settings: EmbeddedSettings, team_id: int, wanted: WriteErasure) -> Look:
    """What would go. Raises CannotStart with the reason why nothing would."""

    async def run(url: str) -> Look:
        async with EventStore.open(url) as store, database.pool(url, size=4) as pool:
            return await _told(Looking(store, pool).look(team_id, wanted))

    with folder_database.database(data, settings) as url:
        return asyncio.run(run(url))


def erase(
    data: Path,
    settings: EmbeddedSettings,
    team_id: int,
    wanted: WriteErasure,
    on_progress: OnProgress,
) -> Erased:
    """Once it is logical. Raises CannotStart: refused, or a place that failed."""

    async def ask(url: str, pool: Pool) -> int:
        async with EventStore.open(url) as store:
            return await _told(request_by_system(store, pool, team_id, wanted))

    return _with_services(data, settings, ask, on_progress)


def resume(data: Path, settings: EmbeddedSettings, number: int, on_progress: OnProgress) -> Erased:
    """The same for one that failed, or whose process died."""

    async def take_up(_: str, pool: Pool) -> int:
        if await erasures.one(pool, number) is None:
            raise CannotStart(f"There is no erasure {number}.")
        await erasures.resume(pool, number)
        return number

    return _with_services(data, settings, take_up, on_progress)


def _with_services(
    data: Path,
    settings: EmbeddedSettings,
    begin: Callable[[str, Pool], Awaitable[int]],
    on_progress: OnProgress,
) -> Erased:
    async def follow(url: str) -> Erased:
        async with database.pool(url, size=2) as pool:
            return await _until_done(pool, await begin(url, pool), on_progress)

    url = settings.postgres_url
    if url is None and (running := datadir.find(data)) is not None:
        url = running.postgres_url
    if url is not None:
        return asyncio.run(follow(url))
    with datadir.claim(data) as folder, serving.own_servers(folder, settings) as servers:
        logs.configure()
        migrate(servers.postgres_url)

        async def alone() -> Erased:
            async with serving.composed(folder, servers, settings).lifespan():
                return await follow(servers.postgres_url)

        return asyncio.run(alone())


async def _until_done(pool: Pool, number: int, on_progress: OnProgress) -> Erased:
    while True:
        task = await erasures.one(pool, number)
        steps = await erasures.steps(pool, number)
        if task is None:
            raise CannotStart(f"There is no erasure {number}.")
        on_progress(*_progress(steps))
        if task.failed_place is not None:
            raise CannotStart(
                f"Erasure {number} stopped at {task.failed_place}: {task.failed_reason}."
                f" `recount erase --resume {number}` takes it up again."
            )
        if task.state != "requested":
            return Erased(number, task.state, {step.place: step.count for step in steps})
        await asyncio.sleep(LOOK_SECONDS)


def _progress(steps: Sequence[Step]) -> tuple[int, int, str]:
    waiting = [step.place for step in steps if step.done_at is None]
    return len(steps) - len(waiting), len(steps), waiting[0] if waiting else "done"


async def _told(asked: Awaitable[T]) -> T:
    """Raises CannotStart in the place of an answer of HTTP."""
    try:
        return await asked
    except Rejected as refused:
        also = refused.more.get("also_in")
        more = f" They are: {', '.join(map(str, also))}." if isinstance(also, Iterable) else ""
        raise CannotStart(f"{refused.problem.detail}{more}") from refused
