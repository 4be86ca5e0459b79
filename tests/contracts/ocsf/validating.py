"""OCSF's own schema of version 1.5.0, class by class."""

from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
from ocsf_json_schema import (  # type: ignore[import-untyped]  # it has no types
    OcsfJsonSchemaEmbedded,
    get_ocsf_schema,
)

_CLASSES = {
    3001: "account_change",
    3002: "authentication",
    3004: "entity_management",
    3005: "user_access",
    6001: "web_resources_activity",
    6003: "api_activity",
}


@cache
def _schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema("1.5.0"))


@cache
def _validator(class_uid: int) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(_schema().get_class_schema(_CLASSES[class_uid]))


def validated(event: dict[str, Any]) -> dict[str, Any]:
    """The event as it travels. Raises jsonschema_rs.ValidationError."""
    sent: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    _validator(sent["class_uid"]).validate(sent)
    return sent
