"""Setting who may do what: with one insight, and with all of a project."""

from litestar import Response, put
from litestar.di import NamedDependency

from contracts.api.access import AccessBody, SetRuleBody, WriteAccess
from contracts.api.insights import InsightBody
from services.command.access.service import AccessRules
from services.command.handle import Terms
from services.common.http.operations import plannable, writes
from services.common.http.paths import project_paths

WRITE = {"scopes": ("access_control:write",)}


@put(
    project_paths("/insights/{insight:str}/access_controls/"),
    opt={**WRITE, **plannable(writes((SetRuleBody, AccessBody, InsightBody), empty=204))},
)
async def put_access(
    access_rules: NamedDependency[AccessRules],
    insight_id: NamedDependency[int],
    sent: NamedDependency[WriteAccess],
    terms: NamedDependency[Terms],
) -> Response[bytes] | Response[None]:
    """Set one rule of the insight, or take it away with a null level."""
    done = await access_rules.set(insight_id, sent, terms)
    return await access_rules.answer(done, terms.caller)


@put(
    [
        *project_paths("/insights/{insight:str}/global_access_controls/"),
        # Its deprecated name.
        *project_paths("/insights/{insight:str}/resource_access_controls/"),
    ],
    opt={**WRITE, **plannable(writes((SetRuleBody, AccessBody, InsightBody), empty=204))},
)
async def put_project_access(
    access_rules: NamedDependency[AccessRules],
    insight_id: NamedDependency[int],
    sent: NamedDependency[WriteAccess],
    terms: NamedDependency[Terms],
) -> Response[bytes] | Response[None]:
    """Set one rule for all insights of the project, through any of them."""
    done = await access_rules.set(insight_id, sent, terms, whole_project=True)
    return await access_rules.answer(done, terms.caller)


HANDLERS = [put_access, put_project_access]
