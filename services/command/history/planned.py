"""The answer to a dry run."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response

from contracts.api.plans import MEDIA_TYPE, Affected, PlanBody, PlannedEvent
from contracts.api.times import written
from contracts.codec import stored_name
from contracts.differences.difference import NO_NAMES, Names
from contracts.differences.rows import difference
from contracts.events.streams import StreamKind
from domain.sharing.view import view as sharing_view
from services.command.handle import Planned, PlannedPart
from services.command.history.told import sentences, view
from services.command.plans import DRAWN, LIFETIME, Plan, Plans, digest_of, told_fact, versions_of
from services.common.http.request import AnyRequest


def on_planned(request: AnyRequest, planned: Planned) -> Response[bytes]:
    """200, whatever the command itself would be answered with."""
    status = request.route_handler.opt.get("planned_status", 200)
    body = plan_body(request.app.state.plans, planned, status, NO_NAMES)
    return Response(msgspec.json.encode(body), status_code=200, media_type=MEDIA_TYPE)


def plan_body(plans: Plans, planned: Planned, status: int, names: Names) -> PlanBody:
    """status: of the command's own answer."""
    expires = datetime.now(UTC) + LIFETIME
    drawing = DRAWN.get()
    caller = planned.terms.caller
    plan = Plan(
        versions=versions_of(planned.append),
        drawn=tuple(drawing.numbers) if drawing else (),
        request=planned.terms.request,
        facts=digest_of(planned.append),
        user_id=caller.user.id,
        team_id=caller.team_id,
        expires=int(expires.timestamp()),
    )
    return PlanBody(
        status=status,
        events=tuple(
            PlannedEvent(
                kind=part.stream.kind.value,
                id=part.stream.number,
                version=fact.version,
                type=stored_name(fact.event),
                data=msgspec.Raw(msgspec.json.encode(told_fact(fact.event))),
            )
            for part in planned.parts
            for fact in part.facts
        ),
        sentences=tuple(
            sentence
            for part in planned.parts
            if part.stream.kind is not StreamKind.HISTORY
            for sentence in sentences(part.stream, [*part.past, *part.facts], part.facts, names)
        ),
        results_can_change=any(_can_change(part) for part in planned.parts),
        affects=_affected(planned),
        plan=plans.sign(plan),
        expires_at=written(expires),
    )


def _can_change(part: PlannedPart) -> bool:
    before = view(part.stream, part.past)
    after: Any = view(part.stream, [*part.past, *part.facts])
    return after is not None and difference(before, after).results_can_change


def _affected(planned: Planned) -> Affected:
    boards: set[int] = set()
    changed: set[int] = set()
    for part in planned.parts:
        if part.stream.kind is StreamKind.INSIGHT:
            changed.add(part.stream.number)
            for past in (part.past, [*part.past, *part.facts]):
                row = view(part.stream, past)
                boards |= {
                    tile.dashboard_id for tile in (row.tiles if row else ()) if not tile.deleted
                }
        elif part.stream.kind is StreamKind.DASHBOARD:
            boards.add(part.stream.number)
    shared = {
        number
        for number, past in planned.shares.items()
        if (row := sharing_view(past)) is not None and row.enabled
    }
    return Affected(tuple(sorted(boards)), tuple(sorted(shared & changed)))
