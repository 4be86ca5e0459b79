"""Answers for SDKs that start: no feature flags, no recording, nothing to load."""

from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import HttpMethod, MediaType, Response, get, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from services.command.capture import incoming
from services.command.capture.described import NOTHING, starts
from services.command.capture.refusals import Refusal
from services.command.capture.routes import MAX_BODY, on_refusal
from services.common.http.caller import AuthenticatedUser
from services.common.http.operations import shows
from services.common.http.problems import not_found
from services.common.http.request import AnyRequest

# Where posthog-js sends its events; a door of `routes`.
ENDPOINT: Final = "/e/"
# Old posthog-js compresses only after this answer.
_COMPRESSION: Final = ["gzip", "gzip-js"]


def _json(value: object) -> Response[bytes]:
    return Response(msgspec.json.encode(value), media_type=MediaType.JSON, status_code=200)


@route(
    "/array/{token:str}/config",
    http_method=[HttpMethod.GET],
    opt={"public": True, "any_query": True, **starts()},
    status_code=200,
)
async def remote_config(token: FromPath[str]) -> Response[bytes]:
    """posthog-js at its start."""
    return _json(
        {
            "token": token,
            "supportedCompression": _COMPRESSION,
            "hasFeatureFlags": False,
            "sessionRecording": False,
            "surveys": False,
            "heatmaps": False,
            "capturePerformance": False,
            "autocapture_opt_out": False,
            "siteApps": [],
            "analytics": {"endpoint": ENDPOINT},
        }
    )


@route(
    ["/array/{token:str}/config.js", "/static/{file:path}"],
    http_method=[HttpMethod.GET],
    opt={"public": True, "any_query": True, **NOTHING},
)
async def nothing_to_load() -> Response[bytes]:
    """Loaders then ask for the JSON, and go without the optional parts."""
    raise not_found()


@route(
    ["/flags", "/decide"],
    http_method=[HttpMethod.GET, HttpMethod.POST],
    opt={"public": True, "any_query": True, **starts(body=dict[str, Any])},
    exception_handlers={Refusal: on_refusal},
    status_code=200,
    request_max_body_size=None,
)
async def flags(request: AnyRequest) -> Response[bytes]:
    """There are none.

    The first version of /decide has the names of those that are on; later ones say a value of each.
    """
    await incoming.body_of(request, MAX_BODY)
    names = request.url.path.startswith("/decide") and request.query_params.get("v", "1") == "1"
    answer: dict[str, Any] = {
        "flags": {},
        "featureFlags": [] if names else {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid4()),
        "config": {"enable_collect_everything": True},
        "supportedCompression": _COMPRESSION,
        "toolbarParams": {},
        "sessionRecording": False,
        "siteApps": [],
    }
    return _json(answer)


@route(
    "/s",
    http_method=[HttpMethod.POST],
    opt={"public": True, "any_query": True, **starts(body=dict[str, Any])},
    exception_handlers={Refusal: on_refusal},
    status_code=200,
    request_max_body_size=None,
)
async def recordings(request: AnyRequest) -> Response[bytes]:
    """Session recordings are thrown away."""
    await incoming.body_of(request, MAX_BODY)
    return _json({"status": 1})


@get(["/api/feature_flag/local_evaluation", "/flags/definitions"], opt=shows(dict[str, Any]))
async def local_evaluation(person: NamedDependency[AuthenticatedUser]) -> Response[bytes]:
    """Server SDKs that evaluate flags themselves: there are none to evaluate.

    SDKs of 2026 ask at the second path.
    """
    return _json({"flags": [], "group_type_mapping": {}, "cohorts": {}})


@get("/api/feature_flag", opt=shows(dict[str, Any]))
async def feature_flags(person: NamedDependency[AuthenticatedUser]) -> Response[bytes]:
    """Server SDKs before 2022, for the same end."""
    return _json({"count": 0, "next": None, "previous": None, "results": []})


HANDLERS = [remote_config, nothing_to_load, flags, recordings, local_evaluation, feature_flags]
