"""Every path under /api/, of shared insights and of what pages send, with its methods, for
services that run apart: none of them has all.

A test holds this against the composed application. `Allow` and 405 come from here, so that the
query service knows that an insight can be patched, elsewhere.
"""

import re
from collections.abc import Mapping

_PROJECT: Mapping[str, str] = {
    "": "GET PATCH",
    "/actions": "GET POST",
    "/actions/{action}": "GET PATCH PUT",
    "/actions/{action}/versions": "GET",
    "/actions/{action}/versions/{version}": "GET",
    "/audit/erasures": "GET POST",
    "/audit/erasures/{erasure}": "GET",
    "/audit/holds": "GET POST",
    "/audit/holds/{hold}": "DELETE",
    "/audit": "GET",
    "/audit/reads": "GET",
    "/audit/export": "GET",
    "/audit/log/checkpoint": "GET",
    "/audit/log/keys": "GET",
    "/audit/log/proof/consistency": "GET",
    "/audit/log/proof/inclusion": "GET",
    "/audit/log/tile/{*place}": "GET",
    "/audit/completeness": "GET",
    "/activity_log": "GET",
    "/advanced_activity_logs": "GET",
    "/bus_consumers": "GET POST",
    "/bus_consumers/{consumer}": "DELETE GET PATCH PUT",
    "/bus_consumers/{consumer}/rotate_password": "POST",
    "/cohorts": "GET POST",
    "/cohorts/{cohort}": "GET PATCH PUT",
    "/cohorts/{cohort}/persons": "GET",
    "/cohorts/{cohort}/versions": "GET",
    "/cohorts/{cohort}/versions/{version}": "GET",
    "/dashboards": "GET POST",
    "/dashboards/{dashboard}": "GET PATCH PUT",
    "/dashboards/{dashboard}/versions": "GET",
    "/dashboards/{dashboard}/versions/{version}": "GET",
    "/event_definitions": "GET",
    "/event_definitions/by_name": "GET",
    "/event_definitions/{definition}": "GET",
    "/facts": "GET",
    "/facts/stream": "GET",
    "/facts/{sequence}": "GET",
    "/insights": "GET POST",
    "/insights/activity": "GET",
    "/insights/bulk": "POST",
    "/insights/cancel": "POST",
    "/insights/funnel": "GET POST",
    "/insights/funnel/correlation": "GET POST",
    "/insights/trend": "GET POST",
    "/insights/trend.csv": "GET POST",
    "/insights/trend/explain": "POST",
    "/insights/my_last_viewed": "GET",
    "/insights/viewed": "POST",
    "/insights/trending": "GET",
    "/insights/{insight}": "GET PATCH PUT",
    "/insights/{insight}/access_controls": "GET PUT",
    "/insights/{insight}/activity": "GET",
    "/insights/{insight}/diff": "GET",
    "/insights/{insight}/global_access_controls": "GET PUT",
    "/insights/{insight}/resource_access_controls": "GET PUT",
    "/insights/{insight}/revert": "POST",
    "/insights/{insight}/sharing": "GET PATCH",
    "/insights/{insight}/sharing/passwords": "POST",
    "/insights/{insight}/sharing/passwords/{password}": "DELETE",
    "/insights/{insight}/sharing/refresh": "POST",
    "/insights/{insight}/undo": "POST",
    "/insights/{insight}/versions": "GET",
    "/insights/{insight}/versions/{version}": "GET",
    "/insights/{insight}/viewed": "POST",
    "/insights/{insight}/viewers": "GET",
    "/operations/undo": "POST",
    "/operations/{operation}": "GET",
    "/operations/{operation}/undo": "POST",
    "/person/funnel": "GET POST",
    "/person/funnel/correlation": "GET POST",
    "/person/funnel/explain": "GET POST",
    "/person/lifecycle": "GET POST",
    "/person/stickiness": "GET POST",
    "/person/trends": "GET POST",
    "/persons/funnel": "GET POST",
    "/persons/funnel/correlation": "GET POST",
    "/persons/funnel/explain": "GET POST",
    "/persons/lifecycle": "GET POST",
    "/persons/stickiness": "GET POST",
    "/persons/trends": "GET POST",
    "/property_definitions": "GET",
    "/property_definitions/{definition}": "GET",
    "/query": "GET POST",
    "/query/{job}": "DELETE GET",
    "/versions": "GET",
    "/versions/{version}": "GET",
    "/webhooks": "GET POST",
    "/webhooks/{webhook}": "DELETE GET PATCH",
    "/webhooks/{webhook}/attempts": "GET",
    "/webhooks/{webhook}/parked": "GET",
    "/webhooks/{webhook}/parked/{kind}/{number}/retry": "POST",
    "/webhooks/{webhook}/parked/{kind}/{number}/skip": "POST",
    "/webhooks/{webhook}/pause": "POST",
    "/webhooks/{webhook}/replay": "POST",
    "/webhooks/{webhook}/resume": "POST",
    "/webhooks/{webhook}/rotate_secret": "POST",
    "/webhooks/{webhook}/test": "POST",
}
# Of an organization's own chain.
_OF_ORGANIZATIONS = (
    "/audit",
    "/audit/completeness",
    "/audit/export",
    "/audit/log/checkpoint",
    "/audit/log/keys",
    "/audit/log/proof/consistency",
    "/audit/log/proof/inclusion",
    "/audit/log/tile/{*place}",
    "/audit/reads",
)
_ELSEWHERE: Mapping[str, str] = {
    "/api/feature_flag": "GET",
    "/api/feature_flag/local_evaluation": "GET",
    "/api/organizations": "GET",
    "/api/organizations/{organization}": "GET",
    "/api/organizations/{organization}/activity_log": "GET",
    "/api/organizations/{organization}/advanced_activity_logs": "GET",
    "/api/organizations/{organization}/members": "GET",
    "/api/organizations/{organization}/projects": "GET POST",
    "/api/organizations/{organization}/projects/{project}": "GET",
    "/api/person/funnel": "GET POST",
    "/api/person/funnel/correlation": "GET POST",
    "/api/person/funnel/explain": "GET POST",
    "/api/person/lifecycle": "GET POST",
    "/api/person/stickiness": "GET POST",
    "/api/person/trends": "GET POST",
    "/api/personal_api_keys/@current": "GET",
    "/api/persons/funnel": "GET POST",
    "/api/persons/funnel/correlation": "GET POST",
    "/api/persons/funnel/explain": "GET POST",
    "/api/persons/lifecycle": "GET POST",
    "/api/persons/stickiness": "GET POST",
    "/api/persons/trends": "GET POST",
    "/api/projects": "GET POST",
    "/api/schema": "GET",
    "/api/schema/asyncapi.json": "GET",
    "/api/schema/events/{name}": "GET",
    "/api/schema/files/{name}": "GET",
    "/api/schema/swagger-ui": "GET",
    "/api/users/@me": "GET",
    "/embedded/{token}": "GET POST",
    "/login": "GET POST",
    "/logout": "POST",
    "/projects/{project}/insights/{insight}/revert": "GET POST",
    "/projects/{project}/insights/{insight}/undo": "GET POST",
    "/shared/{token}": "GET POST",
}
ROUTES: Mapping[str, tuple[str, ...]] = {
    path: tuple(methods.split())
    for path, methods in (
        *_ELSEWHERE.items(),
        *(
            (f"/api/organizations/{{organization}}{path}", _PROJECT[path])
            for path in _OF_ORGANIZATIONS
        ),
        *(
            (f"/api/{name}/{{project}}{path}", methods)
            for name in ("projects", "environments")
            for path, methods in _PROJECT.items()
        ),
    )
}


def methods_of(path: str) -> tuple[str, ...]:
    """Of whatever service answers this path; none when there is no such path.

    As routing has it, a word that is written out goes before a place that takes any.
    """
    asked = path.rstrip("/")
    for template, methods in _BY_PLACES:
        if template.fullmatch(asked):
            return methods
    return ()


def _template(path: str) -> re.Pattern[str]:
    """{name}: one word of the path; {*name}: all that is left of it."""
    return re.compile(re.sub(r"{\*\w+}", ".+", re.sub(r"{\w+}", "[^/]+", path)))


_BY_PLACES = [
    (_template(path), methods)
    for path, methods in sorted(ROUTES.items(), key=lambda each: each[0].count("{"))
]
