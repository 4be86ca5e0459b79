"""What subscribers get, described: AsyncAPI 3.0, and a JSON Schema of the data of each fact."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Raw

from contracts.cloud_events import MEDIA_TYPE, CloudEvent
from contracts.codec import stored_names
from contracts.events.recorded import DomainEvent
from contracts.subjects import fact_subject
from services.common.http.schema.body_schemas import REF, Document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PROJECT = {"project": {"description": "The number of a project."}}
_ABOUT = """The facts of a project, from the first one on: over HTTP, pulled or as server-sent
events; by webhook; and on NATS JetStream. Each is a CloudEvent, the same bytes on every way, and
proves itself by its hash. Receivers ignore types and attributes that they do not know: new ones may
come at any time, and a released type never changes."""


def fact_schema(name: str) -> Document | None:
    """JSON Schema of the `data` of facts with this stored name; None: there is no such fact."""
    twin = _twins().get(name)
    if twin is None:
        return None
    (schema,), components = msgspec.json.schema_components([twin], ref_template="#/$defs/{name}")
    whole = components.pop(schema["$ref"].rpartition("/")[2])
    return {"$schema": _DIALECT, **whole, **({"$defs": components} if components else {})}


def asyncapi(version: str) -> Document:
    """The document: a message for each stored name, on each of four channels."""
    twins = _twins()
    kinds = [CloudEvent, *twins.values()]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    envelope, *data = schemas
    messages = {
        name: _message(name, envelope, schema) for name, schema in zip(twins, data, strict=True)
    }
    channels = _channels(messages)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Recount",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": MEDIA_TYPE,
        "servers": {
            "http": _server("http", "127.0.0.1:8000", "Where the API is."),
            "nats": _server("nats", "127.0.0.1:4222", "As POST bus_consumers/ answers."),
        },
        "channels": channels,
        "operations": {
            name: {"action": "send", "channel": {"$ref": f"#/channels/{name}"}} for name in channels
        },
        "components": {"messages": messages, "schemas": components},
    }


def _message(name: str, envelope: Document, data: Document) -> Document:
    return {
        "name": name,
        "title": name,
        "contentType": MEDIA_TYPE,
        "payload": {
            "allOf": [envelope, {"properties": {"type": {"const": name}, "data": data}}],
        },
    }


def _channels(messages: Mapping[str, Document]) -> Document:
    told = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    http, nats = [{"$ref": "#/servers/http"}], [{"$ref": "#/servers/nats"}]
    facts = "/api/projects/{project}/facts/"
    return {
        "events": {
            "address": facts,
            "description": "Pulled: a page of events beyond a cursor, as JSON or NDJSON.",
            "servers": http,
            "parameters": _PROJECT,
            "messages": told,
        },
        "stream": {
            "address": f"{facts}stream/",
            "description": "Server-sent events, whose data are events and whose ids are cursors.",
            "servers": http,
            "parameters": _PROJECT,
            "messages": told,
        },
        "webhook": {
            "address": None,
            "description": "A POST to the URL of a webhook, signed as Standard Webhooks has it.",
            "messages": told,
        },
        "bus": {
            "address": fact_subject(0, "{type}").replace(".0.", ".{project}."),
            "description": "A durable consumer on JetStream, as POST bus_consumers/ makes it.",
            "servers": nats,
            "parameters": {**_PROJECT, "type": {"description": "The type of the event."}},
            "messages": told,
        },
    }


def _server(protocol: str, host: str, description: str) -> Document:
    return {
        "host": "{host}",
        "protocol": protocol,
        "description": description,
        "variables": {"host": {"default": host}},
    }


@cache
def _twins() -> Mapping[str, type[msgspec.Struct]]:
    """Each fact by its stored name, as a type that msgspec can describe: it has no words for a
    default that is kept JSON, so that is decoded, and any JSON may stand there.
    """
    kinds: tuple[type[DomainEvent], ...] = get_args(DomainEvent)
    return {stored_names(kind)[0]: _twin(kind) for kind in sorted(kinds, key=stored_names)}


def _twin(kind: type[DomainEvent]) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        described: Any = Any if field.type is Raw else field.type
        if field.default is NODEFAULT:
            named = msgspec.field(name=field.encode_name)
            fields.append((field.name, described, named))
        else:
            default = field.default
            kept = msgspec.json.decode(default) if isinstance(default, Raw) else default
            fields.append((field.name, described, _default(kept)))
    return msgspec.defstruct(
        kind.__name__,
        fields,
        tag=kind.__struct_config__.tag,
        forbid_unknown_fields=True,
        namespace={"__doc__": kind.__doc__},
        kw_only=True,
    )


def _default(value: Any) -> Any:
    """An empty list or object is made anew for each: msgspec shares none."""
    return msgspec.field(default_factory=type(value)) if value in ([], {}) else value
