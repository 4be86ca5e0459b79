"""The organizations that a key may enter, and the body of a project in them."""

from uuid import UUID

from contracts.api.accounts import ProjectBody
from contracts.api.times import written
from services.common.accounts.accounts import Accounts, Organization, Project
from services.common.http.caller import AuthenticatedUser, current_project
from services.common.http.problems import Rejected, not_found


async def organizations_of(person: AuthenticatedUser, accounts: Accounts) -> list[Organization]:
    """The user's organizations that the key is not kept out of, the oldest first."""
    limits = person.key.scoped_organizations
    found = [
        await accounts.organization(each)
        for each in person.user.memberships
        if not limits or each in limits
    ]
    return sorted(
        (each for each in found if each is not None), key=lambda each: (each.created_at, each.id)
    )


async def resolve_organization(
    reference: str, person: AuthenticatedUser, accounts: Accounts
) -> Organization:
    """`@current` or a UUID. Raises Rejected 404; of an organization of others, nothing more."""
    found = await organizations_of(person, accounts)
    if reference == "@current":
        team = await current_or_none(person, accounts)
        wanted = team.organization_id if team else found[0].id if found else None
    else:
        wanted = _uuid(reference)
    for each in found:
        if each.id == wanted:
            return each
    raise not_found()


async def current_or_none(person: AuthenticatedUser, accounts: Accounts) -> Project | None:
    """The current project; None when the key may enter none."""
    try:
        return await current_project(person, accounts)
    except Rejected:
        return None


def project_body(project: Project) -> ProjectBody:
    return ProjectBody(
        id=project.id,
        uuid=project.uuid,
        organization=project.organization_id,
        name=project.name,
        api_token=project.api_token,
        timezone=project.timezone,
        week_start_day=project.week_start_day,
        test_account_filters=project.test_account_filters,
        created_at=written(project.created_at),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
