"""JSON Schemas of the types that bodies, answers and parameters are of."""

from collections.abc import Iterable
from typing import Any

import msgspec

from contracts.api.funnels import Components
from services.common.http.operations import RouteDescription
from services.common.http.problems import Problem

Document = dict[str, Any]
REF = "#/components/schemas/{name}"


class BodySchemas:
    """JSON Schemas of all types that the operations name."""

    def __init__(self, operations: Iterable[RouteDescription]) -> None:
        described = list(operations)
        answers = [
            kind
            for each in described
            for answer in each.answers.values()
            for kind in (*_parts(answer.kind), *answer.also.values())
        ]
        bodies = [each.body for each in described if each.body is not None]
        values = [parameter.kind for each in described for parameter in each.parameters]
        every = [Problem, Components, *answers, *bodies, *values]
        schemas, self.components = msgspec.json.schema_components(every, ref_template=REF)
        self._schemas = dict(zip(map(repr, every), schemas, strict=True))
        _spell([self.components, schemas])
        self._require_all(answers, bodies)
        del self.components["Components"]
        # An error may carry more: 412 tells what changed.
        self.components["Problem"]["required"] = list(self.components["Problem"]["properties"])

    def schema(self, kind: Any) -> Document:
        """Of a type that an operation names; of several, that of what has the members of all."""
        schemas: list[Document] = [self._schemas[repr(part)] for part in _parts(kind)]
        return schemas[0] if len(schemas) == 1 else {"allOf": schemas}

    def _require_all(self, answers: Iterable[Any], bodies: Iterable[Any]) -> None:
        """An answer has every member, those with a default too; a body may leave those out."""
        sent = self._reached(self._schemas[repr(kind)] for kind in bodies)
        for name in self._reached(self._schemas[repr(kind)] for kind in answers) - sent:
            component = self.components[name]
            if "properties" in component:
                component["required"] = [
                    member
                    for member, schema in component["properties"].items()
                    if member in component.get("required", ()) or "default" in schema
                ]

    def _reached(self, schemas: Iterable[Document]) -> set[str]:
        """Names of the components that these schemas lead to."""
        found: set[str] = set()
        waiting: list[Any] = list(schemas)
        while waiting:
            match waiting.pop():
                case {"$ref": str(ref)}:
                    name = ref.rpartition("/")[2]
                    if name not in found:
                        found.add(name)
                        waiting.append(self.components[name])
                case dict() as schema:
                    waiting.extend(schema.values())
                case list() as several:
                    waiting.extend(several)
                case _:
                    pass
        return found


def _spell(schema: Any) -> None:
    """In a way that generators of clients can read too: `items` is never false, which says of a
    tuple what maxItems says already, and never left out where anything may be in a list. A member
    that is always null is a text or null: they have no type for the former.
    """
    match schema:
        case dict():
            if schema.get("items") is False and "maxItems" in schema:
                del schema["items"]
            elif schema.get("type") == "array" and not schema.keys() & {"items", "prefixItems"}:
                schema["items"] = {}
            for member in schema.values():
                if isinstance(member, dict) and member.get("type") == "null":
                    del member["type"]
                    member["anyOf"] = [{"type": "string"}, {"type": "null"}]
                _spell(member)
        case list():
            for element in schema:
                _spell(element)
        case _:
            pass


def _parts(kind: Any) -> tuple[Any, ...]:
    if kind is None:
        return ()
    return kind if isinstance(kind, tuple) else (kind,)
