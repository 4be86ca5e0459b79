"""From rows to the bodies that answers carry."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from contracts.api.insights import BasicInsight, InsightBody, InsightContext, ResultFields
from contracts.json import is_null
from contracts.read_models.insight import InsightRow
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.insights.context import shown_query, user_bodies
from services.common.insights.results.freshness import Refresh
from services.query.reads.insight_list import InsightListRow
from services.query.results.service import ResultAnswer

_encoder = msgspec.json.Encoder()


async def insights(
    listed: Sequence[InsightListRow], caller: Caller, accounts: Accounts, *, basic: bool
) -> tuple[Raw, ...]:
    """The bodies of a list, encoded."""
    users = await user_bodies(accounts, _users([each.row for each in listed]))
    bodies = []
    for each in listed:
        context = InsightContext(
            users=users,
            timezone=caller.project.timezone,
            access_level=each.access.level,
            restriction_level=each.access.restriction,
            privilege_level=each.access.privilege,
            last_viewed_at=each.joined.viewed_at,
            result=each.joined.result,
            shown_query=shown_query(each.row),
        )
        shape: type[BasicInsight] | type[InsightBody] = BasicInsight if basic else InsightBody
        body = _encoder.encode(shape.of(each.row, context))
        if each.match is not None:
            # One more member behind the last of a body that is encoded already.
            body = body[:-1] + b',"search_match_type":"' + each.match.encode() + b'"}'
        bodies.append(Raw(body))
    return tuple(bodies)


def from_cache(results: Iterable[ResultFields]) -> bool | None:
    """Whether all of these results were there before the request; None where there are none."""
    found = [each.is_cached for each in results if not is_null(each.result)]
    return all(found) if found else None


def note_result(request: AnyRequest, refresh: Refresh, answered: ResultAnswer) -> None:
    """For the trail of reads: the result of a query, of no insight."""
    kept = None if answered.cached is None else not answered.fresh
    noted(request.scope).shows(refresh=refresh.value, from_cache=kept)


def _users(rows: Sequence[InsightRow]) -> set[int | None]:
    return {number for row in rows for number in (row.created_by, row.last_modified_by)}
