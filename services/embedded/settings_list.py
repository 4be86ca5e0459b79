"""Every setting there is, from the Structs that hold them: for people, and for a page."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.inspect import (
    BoolType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    Type,
    UnionType,
)

from services.command.settings import CommandSettings
from services.common.settings import PREFIX, Settings, fields, is_secret
from services.embedded.settings import EmbeddedSettings
from services.projector.settings import ProjectorSettings
from services.query.settings import QuerySettings

KINDS: Mapping[str, type[Settings]] = {
    "command": CommandSettings,
    "query": QuerySettings,
    "projector": ProjectorSettings,
    "embedded": EmbeddedSettings,
}

_HEAD = """\
# Settings

Each is an environment variable, `RECOUNT_<SERVICE>_<SETTING>`: `RECOUNT_QUERY_PORT`. What is *of*
embedded is for `recount serve` and the other commands. A secret may be in a file instead, which
`…_FILE` names (`RECOUNT_QUERY_DATABASE_PASSWORD_FILE=/run/secrets/postgres_app`); the end of its
line is left out. A variable of ours that is none of these is named in the log at a start.

Traces have OpenTelemetry's own variables, OTEL_…: see docs/watching.md.

This page is what `recount settings --markdown` prints.

| setting | of | type | default | means |
| --- | --- | --- | --- | --- |
"""


class Row(msgspec.Struct, frozen=True):
    """A setting. services: that have it so. default: as a variable would have it; None: it must be
    set.
    """

    name: str
    services: tuple[str, ...]
    type: str
    default: str | None
    means: str


def rows() -> Sequence[Row]:
    """Each setting once, where services have the same; in the order of their fields."""
    found: dict[tuple[str, str, str | None, str], list[str]] = {}
    for service, kind in KINDS.items():
        for field in fields(kind):
            key = (field.name.upper(), _type(field), _default(field), _means(field))
            found.setdefault(key, []).append(service)
    return [
        Row(name, tuple(services), kind, default, means)
        for (name, kind, default, means), services in found.items()
    ]


def markdown() -> str:
    """The page docs/settings.md."""
    return _HEAD + "".join(
        f"| {row.name} | {', '.join(row.services)} | {_cell(row.type)} | {_shown(row)} |"
        f" {_cell(row.means)} |\n"
        for row in rows()
    )


def plain() -> Iterator[str]:
    """The same for a terminal, a line or two each."""
    for row in rows():
        default = "must be set" if row.default is None else row.default or "empty"
        names = " ".join(f"{PREFIX}_{service.upper()}_{row.name}" for service in row.services)
        yield f"{names}  [{row.type}; {default}]"
        yield f"    {row.means}"


def _shown(row: Row) -> str:
    return "must be set" if row.default is None else _cell(row.default and f"`{row.default}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _means(field: Field) -> str:
    """The field's own sentence, or that of the service's field of the same name."""
    same = (each for kind in KINDS.values() for each in fields(kind) if each.name == field.name)
    return next(told for told in map(_own, (field, *same)) if told)


def _own(field: Field) -> str:
    if not isinstance(field.type, Metadata):
        return ""
    return str((field.type.extra_json_schema or {}).get("description", ""))


def _default(field: Field) -> str | None:
    if field.required:
        return None
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, float) and field.default.is_integer():
        return str(int(field.default))
    return "" if field.default is None else str(field.default)


def _type(field: Field) -> str:
    return f"{_word(field.type)}{', secret' if is_secret(field) else ''}"


def _word(kind: Type) -> str:
    match kind:
        case Metadata():
            return _word(kind.type)
        case UnionType():
            return next(_word(each) for each in kind.types if not isinstance(each, NoneType))
        case LiteralType():
            return " or ".join(f"`{value}`" for value in kind.values)
        case BoolType():
            return "`true` or `false`"
        case IntType():
            return "whole number"
        case FloatType():
            return "number"
        case _:
            return "text"
