"""From the body of a write to the command on an insight's sharing."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.events.sharing import (
    SharingEvent,
)
from contracts.json import is_null
from contracts.read_models.sharing import SharingRow
from domain.sharing.changes import changes
from domain.sharing.commands import SharingCommand
from domain.sharing.decide import decide
from domain.sharing.view import view
from services.command.change_lines import lines_since
from services.command.handle import Rules
from services.common.http.problems import invalid

SHORTEST_PASSWORD = 8
_THEMES = frozenset({b'"light"', b'"dark"', b'"system"'})
_SWITCHES = frozenset(
    {"whitelabel", "noHeader", "showInspector", "legend", "hideExtraDetails", "detailed"}
)


def check_password(sent: str | None) -> None:
    """Raises Rejected 400 for one that is too short."""
    if sent is not None and len(sent) < SHORTEST_PASSWORD:
        raise invalid(
            "raw_password",
            "min_length",
            f"Ensure this field has at least {SHORTEST_PASSWORD} characters.",
        )


def known_settings(document: Raw | UnsetType) -> Raw | UnsetType:
    """The known keys of an object, or null. Raises Rejected 400 for anything else."""
    if document is UNSET or is_null(document):
        return document
    try:
        sent = msgspec.json.decode(document, type=dict[str, Raw])
    except msgspec.DecodeError as cause:
        raise invalid("settings", "invalid_input", "Expected a dictionary of items.") from cause
    kept: dict[str, Raw] = {}
    for name, value in sent.items():
        if name in _SWITCHES:
            if bytes(value) not in (b"true", b"false"):
                raise invalid(f"settings__{name}", "invalid_input", "Must be a valid boolean.")
            kept[name] = value
        elif name == "theme":
            if bytes(value) not in _THEMES:
                raise invalid(
                    "settings__theme", "invalid_choice", "theme is one of light, dark, system."
                )
            kept[name] = value
    return Raw(msgspec.json.encode(kept))


RULES: Rules[SharingRow | None, SharingCommand, SharingEvent] = Rules(
    decide, view, lines_since(changes)
)
