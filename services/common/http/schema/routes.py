"""The document as JSON and YAML, and Swagger UI on it, served from the wheel's own files.

The front door leads there.
"""

import importlib.metadata
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.params import FromPath
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]  # ships no types

from services.common.http.operations import (
    AnswerDescription,
    Parameter,
    RouteDescription,
    described,
)
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest
from services.common.http.schema.document import document
from services.common.http.schema.events import asyncapi, fact_schema

YAML: Final = "application/yaml"
SCHEMA: Final = "application/schema+json"
BROWSER: Final = "/api/schema/swagger-ui/"
_PAGES: Final = "/projects/@current/"
_HERE: Final = Path(__file__).parent
# Litestar adds the charset to text.
_FILES: Final = {
    "swagger-ui.css": (Path(str(swagger_ui_path)), "text/css"),
    "swagger-ui-bundle.js": (Path(str(swagger_ui_path)), "text/javascript"),
    "page.css": (_HERE, "text/css"),
    "start.js": (_HERE, "text/javascript"),
}
# Swagger UI draws its icons from data: URLs in its style sheet, and styles elements by script.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SCHEMA: Final = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=dict[str, Any], also={YAML: str})},
        parameters=(Parameter(name="format", description="json, or yaml."),),
    )
)
_DOCUMENT: Final = described(
    RouteDescription(answers={200: AnswerDescription(kind=dict[str, Any])})
)
_EVENT: Final = described(
    RouteDescription(answers={200: AnswerDescription(kind=dict[str, Any], media_type=SCHEMA)})
)
_PAGE: Final = described(
    RouteDescription(answers={200: AnswerDescription(kind=str, media_type="text/html")})
)
_DOOR: Final = described(
    RouteDescription(
        answers={303: AnswerDescription(kind=str, media_type="text/plain", headers=("Location",))}
    )
)
_FILE: Final = described(
    RouteDescription(
        answers={
            200: AnswerDescription(kind=str, media_type="text/css", also={"text/javascript": str})
        }
    )
)


@get("/", opt={"public": True, **_DOOR}, sync_to_thread=False)
def front_door(request: AnyRequest) -> Response[str]:
    """Leads a browser to the project's pages, others to the page on which the API can be tried."""
    # Relative, so that it is right behind every proxy; the text is for those who follow nothing.
    from_browser = "text/html" in request.headers.get("accept", "")
    return Response(
        f"The API, to be tried out in a browser: {BROWSER}\n",
        status_code=303,
        media_type=MediaType.TEXT,
        headers={"Location": _PAGES if from_browser else BROWSER},
    )


@get("/api/schema/", opt={"public": True, **_SCHEMA}, sync_to_thread=False)
def schema(request: AnyRequest) -> Response[bytes]:
    """This document: every endpoint, of all services. OpenAPI 3.1."""
    body = _openapi()
    if _wants_yaml(request):
        # JSON is YAML; indented, it reads like it.
        return Response(msgspec.json.format(body, indent=2), media_type=YAML)
    return Response(body, media_type=MediaType.JSON)


@get(BROWSER, opt={"public": True, **_PAGE}, sync_to_thread=False)
def browse() -> Response[bytes]:
    """The document as a page on which it can be tried out."""
    return Response(
        (_HERE / "page.html").read_bytes(),
        media_type="text/html",
        headers={
            "Content-Security-Policy": _POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


@get("/api/schema/files/{name:str}", opt={"public": True, **_FILE}, sync_to_thread=False)
def file(name: FromPath[str]) -> Response[bytes]:
    """A file of the API's page."""
    if name not in _FILES:
        raise not_found()
    folder, media_type = _FILES[name]
    return Response(
        _read(folder / name), media_type=media_type, headers={"Cache-Control": "max-age=3600"}
    )


@get("/api/schema/asyncapi.json", opt={"public": True, **_DOCUMENT}, sync_to_thread=False)
def asyncapi_document() -> Response[bytes]:
    """What subscribers get, on every way: AsyncAPI 3.0."""
    return Response(_asyncapi(), media_type=MediaType.JSON)


@get("/api/schema/events/{name:str}", opt={"public": True, **_EVENT}, sync_to_thread=False)
def event_schema(name: FromPath[str]) -> Response[bytes]:
    """JSON Schema of the data of events of one type: `insight.renamed.v1.json`."""
    found = fact_schema(name.removesuffix(".json")) if name.endswith(".json") else None
    if found is None:
        raise not_found()
    return Response(msgspec.json.encode(found), media_type=SCHEMA)


@cache
def _asyncapi() -> bytes:
    return msgspec.json.encode(asyncapi(_version()))


@cache
def _openapi() -> bytes:
    """Alike wherever it is served: behind a gateway the services are one API.

    The routes of all of them come by a name that the installed distribution gives, as plugins do:
    the foundation of all services knows none of them.
    """
    (whole,) = importlib.metadata.entry_points(group="recount.api")
    return msgspec.json.encode(document(whole.load()(), version=_version()))


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def _version() -> str:
    return importlib.metadata.version("recount")


def _wants_yaml(request: AnyRequest) -> bool:
    named = request.query_params.get("format")
    if named is not None:
        return bool(named == "yaml")
    return "yaml" in request.headers.get("accept", "")


HANDLERS = [front_door, schema, browse, file, asyncapi_document, event_schema]
