"""The tables, read from tables.sql, as one engine is told to make them."""

import re
from importlib.resources import files

import msgspec

_NAMED = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


_CREATE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)$", re.MULTILINE)
_FSYNC = re.compile(r"(fsync_\w+) = 1")
_ENGINE = re.compile(r"^ENGINE = (\w*MergeTree)", re.MULTILINE)
_PROJECTION = re.compile(r",\n    PROJECTION ((\w+)\n    \(\n.*?\n    \))", re.DOTALL)


class Projection(msgspec.Struct, frozen=True):
    """What every part of a table keeps about its rows. definition: its name and its SELECT."""

    table: str
    name: str
    definition: str


def table_statements(cluster: str | None = None, durable: bool = True) -> dict[str, str]:
    """Name -> CREATE statement without comments, in the file's order.

    cluster: made on all its hosts and replicated between them, under the paths that the servers'
    own macros give. durable: whether rows survive a power cut once they are inserted.
    """
    statements = _statements()
    if not durable:
        statements = {name: _FSYNC.sub(r"\1 = 0", text) for name, text in statements.items()}
    if cluster is None:
        return statements
    return {name: _replicated(text, cluster) for name, text in statements.items()}


def _replicated(statement: str, cluster: str) -> str:
    # Its inserts remember tokens by themselves; the setting is the plain engine's.
    text = statement.replace(
        "non_replicated_deduplication_window", "replicated_deduplication_window"
    )
    text = _CREATE.sub(rf"CREATE TABLE IF NOT EXISTS \1 ON CLUSTER `{cluster}`", text)
    return _ENGINE.sub(r"ENGINE = Replicated\1", text)


def _statements() -> dict[str, str]:
    text = files("services.common.clickhouse").joinpath("tables.sql").read_text()
    _, *parts = _NAMED.split(text)
    return {
        name: _COMMENT.sub("", body).strip().removesuffix(";")
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def column_types() -> dict[str, dict[str, str]]:
    """Table -> column -> type, so that an insert need not ask the engine for them."""
    return {name: _columns(statement) for name, statement in _statements().items()}


def projections() -> list[Projection]:
    return [
        Projection(table, name, definition)
        for table, statement in _statements().items()
        for definition, name in _PROJECTION.findall(statement)
    ]


def _columns(statement: str) -> dict[str, str]:
    statement = _PROJECTION.sub("", statement)
    body = statement[statement.index("(\n") + 2 : statement.index("\n)\n")]
    found: dict[str, str] = {}
    for line in body.split("\n"):
        name, _, rest = line.strip().rstrip(",").partition(" ")
        found[name] = re.split(r" (?:DEFAULT|CODEC)\b", rest)[0]
    return found
