"""Which requests are reads, and what they are called: by the path of their route.

Whatever the query service answers about a project is a read, unless it is named here: a new route
is recorded before anybody has thought of it.
"""

from collections.abc import Mapping
from functools import cache

import msgspec
from litestar.handlers.base import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler

from contracts.reads import Surface

_SERVICE = "services.query."
_ROOTS = ("/api/projects/{project:str}", "/api/environments/{project:str}")
_ORGANIZATION = "/api/organizations/{organization:str}"
# What else an organization has shows nothing of a project.
_OF_ORGANIZATIONS = tuple(
    f"{_ORGANIZATION}/{name}" for name in ("audit", "activity_log", "advanced_activity_logs")
)
# Proofs show hashes alone, and whoever checks them comes often. The others change something.
_NO_READS = ("audit/log", "insights/cancel", "login")
_NAMES: Mapping[str, str] = {
    "": "project",
    "insights/activity": "activity",
    "insights/my_last_viewed": "insight_last_viewed",
    "insights/trending": "insight_trending",
    "insights/viewed": "insight_viewed",
    "insights/funnel": "funnel",
    "insights/funnel/correlation": "correlation",
    "insights/trend": "trend",
    "insights/trend.csv": "trend",
    "insights/trend/explain": "trend_explain",
    "query": "query",
    "query/{}": "query_job",
    "facts": "facts",
    "facts/stream": "facts_stream",
    "audit": "audit",
    "activity_log": "activity",
    "advanced_activity_logs": "activity",
}


class ReadKind(msgspec.Struct, frozen=True):
    """what: see `contracts.reads.Read`. surface: unless visitor or CSV make another."""

    what: str
    surface: Surface


@cache
def kind_of(handler: BaseRouteHandler) -> ReadKind | None:
    """None for what is no read."""
    if not isinstance(handler, HTTPRouteHandler) or not is_reading(handler):
        return None
    path = min(handler.paths, key=len)
    if path.startswith(("/shared/", "/embedded/")):
        return ReadKind("insight", "share" if path.startswith("/shared/") else "embed")
    if path.startswith("/projects/{project:str}"):
        return ReadKind(_name(_template(path.removeprefix("/projects/{project:str}"))), "page")
    roots = (*_ROOTS, _ORGANIZATION) if path.startswith(_OF_ORGANIZATIONS) else _ROOTS
    for root in roots:
        if path.startswith(root):
            template = _template(path.removeprefix(root))
            break
    else:
        if not path.startswith(("/api/person/", "/api/persons/")):
            return None
        template = _template(path.removeprefix("/api"))
    if template.startswith(_NO_READS):
        return None
    return ReadKind(_name(template), _surface(template))


def is_reading(handler: HTTPRouteHandler) -> bool:
    """The command service tells what it does by facts. A POST here computes something."""
    methods = {str(method) for method in handler.http_methods}
    return handler.fn.__module__.startswith(_SERVICE) and bool(methods & {"GET", "POST"})


def _surface(template: str) -> Surface:
    if template.startswith("audit/export") or template.endswith(".csv"):
        return "export"
    first = template.partition("/")[0]
    return {"audit": "audit", "facts": "stream"}.get(first, "api")  # type: ignore[return-value]  # both are surfaces


def _template(path: str) -> str:
    """`insights/{}/activity`."""
    parts = ["{}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    return "/".join(parts)


def _name(template: str) -> str:
    """`insights/{}/activity`: insight_activity. `actions`: action_list."""
    if template in _NAMES:
        return _NAMES[template]
    parts = template.split("/")
    words = []
    for place, part in enumerate(parts):
        if part == "{}":
            continue
        named = parts[place + 1 : place + 2] == ["{}"]
        words.append(part.removesuffix("s") if named else part)
    last = words[-1]
    if len(parts) == 1 and last.endswith("s"):
        words[-1] = f"{last.removesuffix('s')}_list"
    return "_".join(words)
