"""Where product events' database is, as a setting spells it: shards parted by `;`, the replicas of
each by `,`.
"""

import os
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit

import msgspec

DEFAULT_DATABASE = "recount"
_EMBEDDED = "chdb"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """One shard: whatever is asked of a project on it is asked here alone.

    number: from 1. replicas: their URLs, `http(s)://user:password@host:port`; with several, tables
    are replicated. folder: of the engine in this process, in the place of replicas. ca_file:
    authorities of their certificates. durable: whether tables survive a power cut.
    """

    number: int = 1
    replicas: tuple[str, ...] = ()
    folder: str | None = None
    database: str = DEFAULT_DATABASE
    ca_file: str | None = None
    durable: bool = True

    @property
    def replicated(self) -> bool:
        return len(self.replicas) > 1


def shards(url: str) -> list[Shard]:
    """url: `embedded_url(folder)` (in this process, the only one on that folder) or
    `http(s)://user:password@host:port,…;…`. Either takes `?database=` (default `recount`) and
    `&durable=0`, for tables that need not survive a power cut, the latter `&ca_file=`; what stands
    at one of several URLs counts for all.
    """
    if urlsplit(url).scheme == _EMBEDDED:
        return [_shard(1, [url])]
    groups = [group.split(",") for group in url.split(";")]
    options = "&".join(urlsplit(each).query for group in groups for each in group)
    return [
        _shard(number, [_with(each, options) for each in group])
        for number, group in enumerate(groups, start=1)
    ]


def embedded_url(folder: "os.PathLike[str]") -> str:
    """The URL of the engine in this process on this absolute folder, whatever its name holds."""
    return f"{_EMBEDDED}://{quote(os.fsencode(folder))}"


def _with(url: str, options: str) -> str:
    return urlsplit(url.strip())._replace(query=options.strip("&")).geturl()


def _shard(number: int, urls: list[str]) -> Shard:
    parts = [urlsplit(url) for url in urls]
    options = parse_qs(parts[0].query)
    embedded = parts[0].scheme == _EMBEDDED
    if not embedded and {part.scheme for part in parts} - {"http", "https"}:
        raise ValueError("a ClickHouse URL starts with chdb://, http:// or https://")
    if "cluster" in options:
        raise ValueError("a ClickHouse URL has no ?cluster= any more: name all replicas, by commas")
    return Shard(
        number=number,
        replicas=() if embedded else tuple(part._replace(query="").geturl() for part in parts),
        folder=os.fsdecode(unquote_to_bytes(parts[0].path)) if embedded else None,
        database=options.get("database", [DEFAULT_DATABASE])[0],
        ca_file=options.get("ca_file", [None])[0],
        durable=options.get("durable") != ["0"],
    )
