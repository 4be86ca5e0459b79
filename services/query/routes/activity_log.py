"""The activity log at PostHog's doors, of a project or of a whole organization."""

from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.activity import told_changes
from contracts.api.activity_log import LogEntry, LogPageBody, OcsfPageBody
from contracts.api.insights import UserBody
from contracts.events.recorded import Actor, SystemActor, UserActor
from contracts.ocsf.activity import ToldActivity, of_activity
from contracts.ocsf.base import Names, Person
from contracts.read_models.activity import ActivityRow
from services.common.accounts.accounts import Accounts
from services.common.http.caller import AuthenticatedUser, Caller
from services.common.http.csv_answers import NEVER_CSV
from services.common.http.observed import correlation_of
from services.common.http.operations import reads
from services.common.http.organizations import resolve_organization
from services.common.http.paths import project_paths
from services.common.http.problems import forbidden
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.audit.names import product_version
from services.query.http import described, paging, parameters
from services.query.http.activity_log import LogQuestion, advanced_log_question, log_question
from services.query.http.answers import answer
from services.query.reads.activity import insights_of
from services.query.reads.activity_log import LogRows
from services.query.reads.all import Reads
from services.query.reads.listing import NumberEnd

READ = {"scopes": ("activity_log:read",), NEVER_CSV: True}
_LOG = {**READ, **reads(LogPageBody, *described.ACTIVITY_LOG)}
_ADVANCED = {**READ, **reads(LogPageBody, *described.ADVANCED_ACTIVITY_LOG)}
_ORGANIZATION = "/api/organizations/{organization:str}"

_encoder = msgspec.json.Encoder()


class _Asked(msgspec.Struct, frozen=True):
    """caller: who may not see all of their one project; None: an administrator asks."""

    organization_id: UUID
    teams: tuple[int, ...]
    caller: Caller | None
    question: LogQuestion


@get(project_paths("/activity_log/"), opt=_LOG)
async def project_log(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The activity of everything in the project that the caller may see, newest first."""
    organization_id = caller.project.organization_id
    question = await log_question(request, accounts, organization_id)
    return await _answered(request, reads, accounts, _of_project(caller, question))


@get(project_paths("/advanced_activity_logs/"), opt=_ADVANCED)
async def advanced_project_log(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """The same with more filters, in either order, and as OCSF events."""
    organization_id = caller.project.organization_id
    question = await advanced_log_question(request, accounts, organization_id)
    return await _answered(request, reads, accounts, _of_project(caller, question))


@get(f"{_ORGANIZATION}/activity_log/", opt=_LOG)
async def organization_log(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> Response[bytes]:
    """The activity in all projects of the organization that the key may enter, newest first; for
    administrators.
    """
    organization_id, teams = await _entered(request, organization, person, accounts)
    question = await log_question(request, accounts, organization_id)
    asked = _Asked(organization_id, teams, None, question)
    return await _answered(request, reads, accounts, asked)


@get(f"{_ORGANIZATION}/advanced_activity_logs/", opt=_ADVANCED)
async def advanced_organization_log(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> Response[bytes]:
    """The same with more filters, in either order, and as OCSF events; for administrators."""
    organization_id, teams = await _entered(request, organization, person, accounts)
    question = await advanced_log_question(request, accounts, organization_id)
    asked = _Asked(organization_id, teams, None, question)
    return await _answered(request, reads, accounts, asked)


def _of_project(caller: Caller, question: LogQuestion) -> _Asked:
    limited = None if caller.is_administrator else caller
    return _Asked(caller.project.organization_id, (caller.team_id,), limited, question)


async def _entered(
    request: AnyRequest, reference: str, person: AuthenticatedUser, accounts: Accounts
) -> tuple[UUID, tuple[int, ...]]:
    """The organization and its projects. Raises Rejected 403, 404."""
    organization = await resolve_organization(reference, person, accounts)
    # It shows several projects, so it is told where the organization's own chain is.
    note = noted(request.scope)
    note.team_id, note.correlation_id = organization.chain, correlation_of(request.scope)
    if not person.user.is_administrator(organization.id):
        raise forbidden("Only administrators of the organization may.")
    projects = await accounts.projects_of(organization.id)
    teams = sorted(each.id for each in projects if person.may_enter(each))
    return organization.id, tuple(teams)


async def _answered(
    request: AnyRequest, reads: Reads, accounts: Accounts, asked: _Asked
) -> Response[bytes]:
    question = asked.question
    fresh = await reads.freshness.of(
        lambda: reads.activity_log.page(asked.teams, asked.caller, question.wanted, question.page),
        parameters.at_least(request),
    )
    found = fresh.value
    if "organization" not in request.path_params:
        noted(request.scope).shows(insights=insights_of(found.entries))
    users = await user_bodies(accounts, (each.row.user_id for each in found.entries))
    following, previous = _links(request, found, question)
    body: LogPageBody | OcsfPageBody
    if question.ocsf:
        names = Names(
            installation=await reads.activity_log.installation(),
            product_version=product_version(),
            users={number: Person(user.first_name, user.email) for number, user in users.items()},
        )
        told = [_told(each.row, quiet=question.wanted.quiet) for each in found.entries]
        body = OcsfPageBody(
            count=found.count,
            next=following,
            previous=previous,
            results=tuple(
                of_activity(each, names, include_values=question.values) for each in told
            ),
        )
    else:
        body = LogPageBody(
            count=found.count,
            next=following,
            previous=previous,
            results=_entries(found, users, asked),
        )
    return answer(request, _encoder.encode(body), fresh)


def _entries(found: LogRows, users: dict[int, UserBody], asked: _Asked) -> tuple[LogEntry, ...]:
    quiet = asked.question.wanted.quiet
    return tuple(
        LogEntry.of(each.row, each.trigger, users, asked.organization_id, quiet=quiet)
        for each in found.entries
    )


def _told(row: ActivityRow, *, quiet: bool) -> ToldActivity:
    who: Actor = SystemActor() if row.user_id is None else UserActor(row.user_id, row.key_id)
    return ToldActivity(
        id=row.id,
        team_id=row.team_id,
        sequence=row.sequence,
        at=row.at,
        activity=row.activity,
        scope=row.scope,
        item_id=row.item_id,
        name=row.details.name,
        changes=told_changes(row, quiet=quiet),
        actor=who,
        operation_id=row.operation_id,
    )


def _links(
    request: AnyRequest, found: LogRows, question: LogQuestion
) -> tuple[str | None, str | None]:
    """To the next page, and to the one before."""
    if question.number is None:
        if not found.more and not question.follow:
            return None, None
        return paging.link(request, cursor=paging.encoded(NumberEnd(found.end))), None
    number = question.number
    following = previous = None
    if found.more or question.follow:
        following = paging.link(request, page=str(number + 1))
    if number > 1:
        previous = paging.link(request, page=str(number - 1))
    return following, previous


HANDLERS = [project_log, advanced_project_log, organization_log, advanced_organization_log]
