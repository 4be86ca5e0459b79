"""The OpenAPI 3.1 document of an application, from its routes and what stands beside them."""

import re
from collections.abc import Iterable, Iterator, Mapping

from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from services.common.csv_answers import CSV
from services.common.operations import DESCRIBES, Answer, Operation, Parameter
from services.common.schema.kinds import REF, Document, Kinds

_PLACE = re.compile(r"{(?P<name>\w+):(?P<kind>\w+)}")
_KINDS: Mapping[str, Document] = {
    "str": {"type": "string"},
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
    "path": {"type": "string"},
}
_PLACES: Mapping[str, str] = {
    "project": "The number of a project, or `@current`.",
    "organization": "The UUID of an organization, or `@current`.",
    "insight": "The number of an insight, or its short id.",
    "token": "The access token of a share, or the token of a project.",
}
_ERRORS: Mapping[int, str] = {
    400: "Something in the request is not as it must be; `attr` names it.",
    401: "No key, or one that is not valid.",
    403: "The key lacks the scope, or its user the right.",
    404: "There is no such thing.",
    409: "It exists already, or too many edit it at once.",
    412: "If-Match names a version that is past; `changes` tells what happened since.",
    413: "The body is too large.",
    415: "The body is of a media type that is not read.",
    422: "The Idempotency-Key was used before, with another request.",
    429: "The budget of the key or the project is spent; Retry-After says until when.",
    500: "A defect of the server.",
    503: "The server, or one it stands on, is not able now; Retry-After says when to ask again.",
}
_HEADERS: Mapping[str, str] = {
    "ETag": "Version and digest of the body; If-Match and If-None-Match take it.",
    "Insights-Position": "Position of the log that the answer stands for.",
    "Insights-Stale": "`true` when the answer may lag behind the last write.",
    "Retry-After": "Seconds.",
    "Ingest-Position": "Position of the captured events; GET /i/position waits for it.",
}
_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "`csv`: a row per element of the answer's list. Accept: text/csv asks the same.",
    "schema": {"type": "string", "enum": ["json", "csv"]},
}


class Undescribed(Exception):
    """A route has no `describes` in its opt; the message names it."""


def document(routes: Iterable[BaseRoute], *, version: str) -> Document:
    """Every route but OPTIONS, in the order of paths. Raises Undescribed."""
    described = sorted(_described(routes), key=lambda each: (each[0], each[1]))
    kinds = Kinds(operation for _, _, _, operation in described)
    paths: dict[str, Document] = {}
    for path, method, handler, operation in described:
        shown = _PLACE.sub(r"{\g<name>}", path)
        told = _operation(path, method, handler, operation, kinds)
        paths.setdefault(_slashed(shown), {})[method.lower()] = told
    _link(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recount",
            "version": version,
            "description": "PostHog's Insights API on an event-sourced core.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": kinds.components,
            "responses": {str(status): _problem(status) for status in _ERRORS},
            "securitySchemes": {
                "PersonalApiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`phx_…`; `personal_api_key` in the body or the query does too.",
                }
            },
        },
    }


def _described(
    routes: Iterable[BaseRoute],
) -> Iterator[tuple[str, str, HTTPRouteHandler, Operation]]:
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                operation = handler.opt.get(DESCRIBES)
                if not isinstance(operation, Operation):
                    raise Undescribed(f"{method} {route.path} ({handler.handler_name})")
                yield route.path, str(method), handler, operation


def _operation(
    path: str, method: str, handler: HTTPRouteHandler, operation: Operation, kinds: Kinds
) -> Document:
    summary, _, description = _docstring(handler).partition("\n\n")
    in_json = any(_is_json(answer) for answer in operation.answers.values())
    parameters = [_path_parameter(found) for found in _PLACE.finditer(path)]
    parameters += [_parameter(parameter, kinds) for parameter in operation.parameters]
    if in_json and path.startswith("/api/") and not _names(operation, "format"):
        parameters.append(_FORMAT)
    scopes: tuple[str, ...] = handler.opt.get("scopes", ())
    also: tuple[str, ...] = handler.opt.get("also_scopes", ())
    told: Document = {
        "operationId": _operation_id(path, method, handler),
        "summary": " ".join(summary.split()),
        "tags": [_tag(path)],
        "parameters": parameters,
        "responses": {
            **{
                str(status): _answer(answer, kinds, path)
                for status, answer in operation.answers.items()
            },
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in sorted(_statuses(path, handler, operation))
            },
        },
    }
    if description:
        told["description"] = " ".join(description.split())
    if operation.body is not None and method != "GET":
        told["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": {"schema": kinds.schema(operation.body)}},
        }
    if handler.opt.get("public"):
        told["security"] = []
    else:
        told["security"] = [{"PersonalApiKey": [scope, *also]} for scope in scopes] or [
            {"PersonalApiKey": []}
        ]
        told["x-scopes"] = [*scopes, *also]
    return told


def _statuses(path: str, handler: HTTPRouteHandler, operation: Operation) -> set[int]:
    """Of the errors a client may meet here."""
    found = {500, *operation.errors}
    if operation.parameters or operation.body is not None:
        found.add(400)
    if operation.body is not None:
        found |= {400, 413, 415}
    if not handler.opt.get("public"):
        found |= {400, 401, 403, 429, 503}
    if "{" in path:
        found.add(404)
    return found - operation.answers.keys()


def _answer(answer: Answer, kinds: Kinds, path: str) -> Document:
    told: Document = {"description": "As asked." if answer.kind else "Nothing more to say."}
    if answer.headers:
        told["headers"] = {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}}
            for name in answer.headers
        }
    if answer.kind is not None:
        kinds_by_type = {answer.media_type: answer.kind, **answer.also}
        told["content"] = {
            media_type: {"schema": kinds.schema(kind)} for media_type, kind in kinds_by_type.items()
        }
        if _is_json(answer) and path.startswith("/api/"):
            told["content"][CSV] = {"schema": {"type": "string"}}
    return told


def _link(paths: Mapping[str, Document]) -> None:
    """What was made by a POST is named by its `id` in the paths below it."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201", {})
        if "content" not in made:
            continue
        for below, others in paths.items():
            place = re.match(r"{(\w+)}/", below.removeprefix(path))
            if not below.startswith(path) or place is None:
                continue
            for method, told in others.items():
                made.setdefault("links", {})[f"{told['operationId']}_of_it"] = {
                    "operationId": told["operationId"],
                    "description": f"{method.upper()} of what was made.",
                    "parameters": {
                        **{name: f"$request.path.{name}" for name in re.findall(r"{(\w+)}", path)},
                        place[1]: "$response.body#/id",
                    },
                }


def _problem(status: int) -> Document:
    told: Document = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": REF.format(name="Problem")}}},
    }
    headers = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    if (name := headers.get(status)) is not None:
        told["headers"] = {name: {"schema": {"type": "string"}}}
    return told


def _parameter(parameter: Parameter, kinds: Kinds) -> Document:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": kinds.schema(parameter.kind),
    }


def _path_parameter(found: re.Match[str]) -> Document:
    name = found["name"]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PLACES.get(name, f"Names the {name}."),
        "schema": _KINDS[found["kind"]],
    }


def _is_json(answer: Answer) -> bool:
    return answer.kind is not None and answer.media_type == "application/json"


def _names(operation: Operation, name: str) -> bool:
    return any(parameter.name == name for parameter in operation.parameters)


def _docstring(handler: HTTPRouteHandler) -> str:
    return (handler.fn.__doc__ or "").strip()


def _slashed(path: str) -> str:
    """As PostHog writes its paths; both spellings are served."""
    return path if not path.startswith("/api/") or path.endswith("/") else f"{path}/"


def _tag(path: str) -> str:
    """What the path is about: `insights`, `dashboards`, `capture` …"""
    words = [word for word in path.split("/") if word and "{" not in word]
    if words[0] != "api":
        return {"shared": "public pages", "embedded": "public pages"}.get(
            words[0], "server" if words[0].startswith(("_", "metrics")) else "capture"
        )
    return words[2] if words[1] in ("projects", "environments") and words[2:] else words[1]


def _operation_id(path: str, method: str, handler: HTTPRouteHandler) -> str:
    """The handler's name where it has one path and method, which others make longer."""
    name = handler.handler_name
    paths = sorted(handler.paths)
    main = min(paths, key=lambda each: (not each.startswith("/api/projects"), len(each), each))
    if path != main and path == main.replace("/api/projects/", "/api/environments/"):
        name += "_in_environment"
    elif path != main:
        words = re.sub(r"{(\w+):\w+}", r"\1", path.removeprefix("/api/"))
        name += "_at_" + re.sub(r"\W+", "_", words).strip("_")
    return name if len(handler.http_methods - {"OPTIONS"}) == 1 else f"{name}_{method.lower()}"
