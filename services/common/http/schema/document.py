"""The OpenAPI 3.1 document of an application, from its routes and their descriptions."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from services.common.http.csv_answers import CSV
from services.common.http.operations import (
    DESCRIBES,
    AnswerDescription,
    Parameter,
    RouteDescription,
    is_left_out,
)
from services.common.http.schema.body_schemas import REF, BodySchemas, Document
from services.common.http.schema.examples import EXAMPLES
from services.common.http.sent import SENT, sent_type

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
    "webhook": "The id of a webhook: `wh_…`.",
    "version": "A version: the number in an ETag.",
    "erasure": "The number of an erasure.",
    "hold": "The number of a legal hold.",
    "operation": "The UUID of an operation: of all that one command did.",
    "kind": "The first half of a lane: `insight` of `insight/7`.",
    "number": "The other half: `7`.",
    "token": "The access token of a share, or the token of a project.",
}
# With these the page needs no typing where there is but one project.
_PLACE_EXAMPLES: Mapping[str, str] = {"project": "@current", "organization": "@current"}
_ALIAS = "/api/environments/"
# Where SDKs differ in the path, the one that says what happens.
_PLAINEST = frozenset({"/capture", "/flags", "/shared/{token:str}"})
_TAGS: Mapping[str, str] = {
    "insights": "Questions kept under a name: their history, who may see them, who has looked.",
    "query": "Questions asked at once.",
    "persons": "The people behind a number.",
    "dashboards": "Insights side by side.",
    "actions": "Events by a name of one's own.",
    "cohorts": "Groups of people.",
    "facts": "What happened, from the first fact on, to be followed.",
    "activity_log": "Who did what to which thing, as PostHog's clients ask for it.",
    "advanced_activity_logs": "The same with more filters, and as OCSF for SIEMs.",
    "audit": "Every fact, for auditors and their SIEMs.",
    "operations": "All that one command did, and how to take it back.",
    "versions": "What became of a project's settings.",
    "bus_consumers": "Places of subscribers on the bus, each with a password of its own.",
    "event_definitions": "The names of events that were captured.",
    "property_definitions": "The names of properties that were captured.",
    "webhooks": "Where facts are sent as they happen, signed, in order for each insight.",
    "projects": "Each with its own events, insights and capture token.",
    "organizations": "Projects and their members.",
    "users": "Whose key it is.",
    "personal_api_keys": "The key itself.",
    "capture": "Where events come in, from PostHog's SDKs or by hand.",
    "feature_flag": "There are none; SDKs ask.",
    "public pages": "For people without a key.",
    "server": "How it is.",
    "schema": "This document.",
}
_ABOUT = """PostHog's Insights API on an event-sourced core.

**To try it out**, press *Authorize* and paste a personal API key (`phx_…`). The first start prints
one; `recount keys create` makes another. It stays in this browser until you log out.

`@current` is the project that the key is for. Every path below `/api/projects/` is served below
`/api/environments/`, too, as in PostHog, and final slashes may be left out.
"""
_ERRORS: Mapping[int, str] = {
    400: "Something in the request is not as it must be; `attr` names it.",
    401: "No key, or one that is not valid.",
    403: "The key lacks the scope, or its user the right.",
    404: "There is no such thing.",
    409: "It exists already, or too many edit it at once.",
    410: "What follows the cursor is not kept any more; `first` says what is.",
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
    "Insights-Operation": "The operation, when the command appended facts; undo takes it.",
    "Insights-Skipped": "`dashboards=12,14`: those that it did not come back on.",
    "Insights-Stale": "`true` when the answer may lag behind the last write.",
    "Insights-As-Of": "`p` and the position whose state this is; `as_of` takes it.",
    "Insights-As-Of-Settled": "`false`: the time asked for is so young that facts may still come.",
    "Retry-After": "Seconds.",
    "Facts-Through": "The cursor to go on from: all up to there was looked at.",
    "Reads-Through": "The number to go on from: all reads up to there were looked at.",
    "Facts-Head": "The cursor of the last fact.",
    "Link": "`next`: what follows.",
    "Location": "Where it is.",
    "Ingest-Position": "Position of the captured events; GET /i/position waits for it.",
}
_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "`csv`: a row per element of the answer's list. Accept: text/csv asks the same.",
    "schema": {"type": "string", "enum": ["json", "csv"]},
}


_KEY: Document = {
    "type": "http",
    "scheme": "bearer",
    "description": "`phx_…`; `personal_api_key` in the body or the query does too.",
}
_TOKEN: Document = {
    "type": "http",
    "scheme": "bearer",
    "description": "`phc_…`: the capture token of a project.",
}


class UndescribedRoute(Exception):
    """A route has no `describes` in its opt, or tells of its body twice; the message names it."""


def document(routes: Iterable[BaseRoute], *, version: str) -> Document:
    """Every route but OPTIONS, in the order of paths. Raises UndescribedRoute.

    A handler with several paths is listed once, under the plainest; its description names the rest.
    """
    described = sorted(
        (each for each in _described(routes) if each[0] == _main(each[2])),
        key=lambda each: (each[0], each[1]),
    )
    kinds = BodySchemas(operation for _, _, _, operation in described)
    paths: dict[str, Document] = {}
    for path, method, handler, operation in described:
        shown = _PLACE.sub(r"{\g<name>}", path)
        rendered = _operation(path, method, handler, operation, kinds)
        paths.setdefault(_slashed(shown), {})[method.lower()] = rendered
    _link(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recount",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": _tags(paths),
        "paths": paths,
        "components": {
            "schemas": kinds.components,
            "responses": {str(status): _problem(status) for status in _ERRORS},
            "securitySchemes": {"PersonalApiKey": _KEY, "ProjectToken": _TOKEN},
        },
    }


def _described(
    routes: Iterable[BaseRoute],
) -> Iterator[tuple[str, str, HTTPRouteHandler, RouteDescription]]:
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if is_left_out(handler.opt):
                continue
            for method in handler.http_methods - {"OPTIONS"}:
                operation = handler.opt.get(DESCRIBES)
                if not isinstance(operation, RouteDescription):
                    raise UndescribedRoute(f"{method} {route.path} ({handler.handler_name})")
                yield route.path, str(method), handler, _with_body(handler, operation)


def _with_body(handler: HTTPRouteHandler, operation: RouteDescription) -> RouteDescription:
    """Raises UndescribedRoute when two types are named for the body."""
    kind = sent_type(handler)
    if kind is None:
        return operation
    if operation.body is not None:
        raise UndescribedRoute(f"{handler.handler_name} names its body in `opt`, and in `{SENT}`")
    return msgspec.structs.replace(operation, body=kind)


def _operation(
    path: str,
    method: str,
    handler: HTTPRouteHandler,
    operation: RouteDescription,
    kinds: BodySchemas,
) -> Document:
    summary, _, description = _docstring(handler).partition("\n\n")
    in_json = any(_is_json(answer) for answer in operation.answers.values())
    parameters = [_path_parameter(found) for found in _PLACE.finditer(path)]
    parameters += [_parameter(parameter, kinds) for parameter in operation.parameters]
    if in_json and path.startswith("/api/") and not _names(operation, "format"):
        parameters.append(_FORMAT)
    scopes: tuple[str, ...] = handler.opt.get("scopes", ())
    also: tuple[str, ...] = handler.opt.get("also_scopes", ())
    rendered: Document = {
        "operationId": _operation_id(method, handler),
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
    if description := " ".join(f"{description} {_also_at(path, handler)}".split()):
        rendered["description"] = description
    if operation.body is not None and method != "GET":
        content = {"schema": kinds.schema(operation.body), "examples": _examples(handler)}
        rendered["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": content},
        }
    if operation.project_token:
        rendered["security"] = [{"ProjectToken": []}]
    elif handler.opt.get("public"):
        rendered["security"] = []
    else:
        rendered["security"] = [{"PersonalApiKey": [scope, *also]} for scope in scopes] or [
            {"PersonalApiKey": []}
        ]
        rendered["x-scopes"] = [*scopes, *also]
    return rendered


def _statuses(path: str, handler: HTTPRouteHandler, operation: RouteDescription) -> set[int]:
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


def _answer(answer: AnswerDescription, kinds: BodySchemas, path: str) -> Document:
    rendered: Document = {"description": "As asked." if answer.kind else "Nothing more to say."}
    if answer.headers:
        rendered["headers"] = {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}}
            for name in answer.headers
        }
    if answer.kind is not None:
        kinds_by_type = {answer.media_type: answer.kind, **answer.also}
        rendered["content"] = {
            media_type: {"schema": kinds.schema(kind)} for media_type, kind in kinds_by_type.items()
        }
        if _is_json(answer) and path.startswith("/api/"):
            rendered["content"][CSV] = {"schema": {"type": "string"}}
    return rendered


def _link(paths: Mapping[str, Document]) -> None:
    """Links each POST to the paths below it, which name the thing that it made by its `id`."""
    for path, methods in paths.items():
        made = methods.get("post", {}).get("responses", {}).get("201", {})
        if "content" not in made:
            continue
        for below, others in paths.items():
            placeholder = re.match(r"{(\w+)}/", below.removeprefix(path))
            if not below.startswith(path) or placeholder is None:
                continue
            for method, rendered in others.items():
                made.setdefault("links", {})[f"{rendered['operationId']}_of_it"] = {
                    "operationId": rendered["operationId"],
                    "description": f"{method.upper()} of what was made.",
                    "parameters": {
                        **{name: f"$request.path.{name}" for name in re.findall(r"{(\w+)}", path)},
                        placeholder[1]: "$response.body#/id",
                    },
                }


def _problem(status: int) -> Document:
    rendered: Document = {
        "description": _ERRORS[status],
        "content": {"application/json": {"schema": {"$ref": REF.format(name="Problem")}}},
    }
    headers = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    if (name := headers.get(status)) is not None:
        rendered["headers"] = {name: {"schema": {"type": "string"}}}
    return rendered


def _examples(handler: HTTPRouteHandler) -> Document:
    examples = EXAMPLES.get(handler.handler_name, {})
    return {
        re.sub(r"\W+", "_", summary).strip("_").lower(): {"summary": summary, "value": value}
        for summary, value in examples.items()
    }


def _main(handler: HTTPRouteHandler) -> str:
    """The path that a handler is listed under."""
    return min(
        handler.paths,
        key=lambda each: (
            not each.startswith("/api/projects"), each not in _PLAINEST, "/person/" in each,
            len(each), each,
        ),
    )  # fmt: skip


def _also_at(path: str, handler: HTTPRouteHandler) -> str:
    """The handler's other paths, in words; those of the alias are at the head of the document."""
    others = sorted(
        _slashed(_PLACE.sub(r"{\g<name>}", each))
        for each in handler.paths
        if each != path and not each.startswith(_ALIAS)
    )
    return f"Also at {', '.join(f'`{each}`' for each in others)}." if others else ""


def _tags(paths: Mapping[str, Document]) -> list[Document]:
    """The tags that occur, the ones that a newcomer looks for first."""
    found = {
        tag
        for methods in paths.values()
        for rendered in methods.values()
        for tag in rendered["tags"]
    }
    return [
        {"name": name, "description": _TAGS[name]} for name in sorted(found, key=list(_TAGS).index)
    ]


def _parameter(parameter: Parameter, kinds: BodySchemas) -> Document:
    example = {} if parameter.example is None else {"example": parameter.example}
    return {
        **example,
        "name": parameter.name,
        "in": parameter.location,
        "description": parameter.description,
        "required": parameter.required,
        "schema": kinds.schema(parameter.kind),
    }


def _path_parameter(found: re.Match[str]) -> Document:
    name = found["name"]
    example = {"example": _PLACE_EXAMPLES[name]} if name in _PLACE_EXAMPLES else {}
    return {
        **example,
        "name": name,
        "in": "path",
        "required": True,
        "description": _PLACES.get(name, f"Names the {name}."),
        "schema": _KINDS[found["kind"]],
    }


def _is_json(answer: AnswerDescription) -> bool:
    return answer.kind is not None and answer.media_type == "application/json"


def _names(operation: RouteDescription, name: str) -> bool:
    return any(parameter.name == name for parameter in operation.parameters)


def _docstring(handler: HTTPRouteHandler) -> str:
    return (handler.fn.__doc__ or "").strip()


def _slashed(path: str) -> str:
    """As PostHog writes its paths; both spellings are served."""
    return path if not path.startswith("/api/") or path.endswith("/") else f"{path}/"


def _tag(path: str) -> str:
    """The subject of the path: `insights`, `dashboards`, `capture` …"""
    words = [word for word in path.split("/") if word and "{" not in word] or ["_"]
    if words[0] != "api":
        return {"shared": "public pages", "embedded": "public pages"}.get(
            words[0], "server" if words[0].startswith(("_", "metrics")) else "capture"
        )
    return words[2] if words[1] == "projects" and words[2:] else words[1]


def _operation_id(method: str, handler: HTTPRouteHandler) -> str:
    """The handler's name, which a method makes longer where it has several."""
    name = handler.handler_name
    return name if len(handler.http_methods - {"OPTIONS"}) == 1 else f"{name}_{method.lower()}"
