"""Options that several commands have, and how results are shown."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import rich_click as click

from services.common.postgres import database
from services.common.postgres.database import Pool
from services.common.settings import from_environment
from services.embedded import accounts, datadir, folder_database
from services.embedded.accounts import EmbeddedAccounts
from services.embedded.settings import EmbeddedSettings

T = TypeVar("T")

data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=datadir.DEFAULT,
    show_default="./recount-data",
    help="Folder that holds everything: log, read models, product events.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


def settings() -> EmbeddedSettings:
    """From the environment. Raises InvalidSettings."""
    return from_environment(EmbeddedSettings, "embedded", os.environ)


def with_database(data: Path, wanted: Callable[[Pool], Awaitable[T]]) -> T:
    """The value of `wanted` on the data folder's database, with or without a running server."""

    async def run(url: str) -> T:
        async with database.pool(url, size=2) as pool:
            return await wanted(pool)

    with folder_database.database(data, settings()) as url:
        return asyncio.run(run(url))


def with_accounts(data: Path, wanted: Callable[[EmbeddedAccounts], Awaitable[T]]) -> T:
    """The same for what changes accounts."""

    async def run(url: str) -> T:
        async with accounts.writing(url) as writes:
            return await wanted(writes)

    with folder_database.database(data, settings()) as url:
        return asyncio.run(run(url))


def print_json(value: object) -> None:
    """One line on stdout."""
    click.echo(msgspec.json.encode(value).decode())
