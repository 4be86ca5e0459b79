"""Records a user's view of an insight."""

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency

from contracts.headers import IDEMPOTENCY_KEY, IF_MATCH, INSIGHTS_POSITION
from services.command.terms import blind_terms
from services.command.viewing.views import VIEWABLE_AT_ONCE, Seen, Views
from services.common.http.answers import operation_headers
from services.common.http.caller import Caller
from services.common.http.operations import HEADERS, OPERATION, does, plannable
from services.common.http.paths import project_paths
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest

VIEW = {"scopes": ("insight:read",)}
HELD = (HEADERS[IDEMPOTENCY_KEY], HEADERS[IF_MATCH])


class ViewInsights(msgspec.Struct, frozen=True):
    """Body of POST insights/viewed/."""

    insight_ids: tuple[int, ...]


@post(
    project_paths("/insights/{insight:str}/viewed/"),
    opt={
        **VIEW,
        **plannable(does(None, None, *HELD, status=201, headers=OPERATION, errors=(412, 422))),
    },
    status_code=201,
)
async def view_insight(
    request: AnyRequest,
    views: NamedDependency[Views],
    caller: NamedDependency[Caller],
    insight_id: NamedDependency[int],
) -> Response[bytes]:
    """The caller looked at this insight now; whatever the body says."""
    terms = await blind_terms(request, caller, str(insight_id), b"")
    return _seen(await views.of_one(insight_id, terms))


@post(
    project_paths("/insights/viewed/"),
    opt={
        **VIEW,
        **plannable(
            does(
                None,
                None,
                *HELD,
                status=201,
                required=True,
                headers=OPERATION,
                errors=(412, 422),
            )
        ),
    },
    status_code=201,
)
async def view_several(
    request: AnyRequest,
    views: NamedDependency[Views],
    caller: NamedDependency[Caller],
    sent: NamedDependency[ViewInsights],
) -> Response[bytes]:
    """The caller looked at these insights now; unknown and deleted ones are skipped."""
    if not sent.insight_ids:
        raise invalid("insight_ids", "invalid_input", "This list may not be empty.")
    if len(sent.insight_ids) > VIEWABLE_AT_ONCE:
        raise invalid(
            "insight_ids", "invalid_input", f"At most {VIEWABLE_AT_ONCE} insights at once."
        )
    terms = await blind_terms(request, caller, "")
    return _seen(await views.of(sent.insight_ids, terms))


def _seen(seen: Seen | None) -> Response[bytes]:
    headers = {INSIGHTS_POSITION: str(seen.position if seen else 0)}
    if seen is not None:
        headers |= operation_headers(seen.operation_id)
    return Response(b"", status_code=201, headers=headers)


HANDLERS = [view_insight, view_several]
