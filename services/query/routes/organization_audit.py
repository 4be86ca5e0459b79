"""An organization's own chain, of its keys, members and projects: what `audit/` answers of a
project's, for owners.
"""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from services.common.accounts.accounts import Accounts, Organization
from services.common.http.caller import AuthenticatedUser, authenticate, correlation_of
from services.common.http.organizations import resolve_organization
from services.common.http.problems import Rejected, forbidden
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.query.reads.all import Reads
from services.query.routes import audit, audit_reads
from services.query.routes.audit import AuditChain
from services.query.streams.streams import Streams

ROOT = "/api/organizations/{organization:str}/audit"


@get(f"{ROOT}/", opt={**audit.READ, **audit.DESCRIBED})
async def read_organizations_audit(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> ASGIResponse:
    """Every fact of the organization's accounts, as a project's `audit/` tells its facts.

    For owners, with a key that is limited to no project.
    """
    found = await _chain(request, organization, person, accounts)
    chain = AuditChain(found.chain, _still_may(request, accounts, found))
    return await audit.audit_answer(request, reads, streams, accounts, chain)


@get(f"{ROOT}/reads/", opt={**audit_reads.READ, **audit_reads.DESCRIBED})
async def read_organizations_reads(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> ASGIResponse:
    """Who has read the organization's chain, and this."""
    found = await _chain(request, organization, person, accounts)
    return await audit_reads.reads_answer(request, reads, streams, accounts, found.chain)


async def _chain(
    request: AnyRequest, reference: str, person: AuthenticatedUser, accounts: Accounts
) -> Organization:
    """Raises Rejected: 404; 403 for who is no owner, or has a key for certain projects alone."""
    found = await resolve_organization(reference, person, accounts)
    note = noted(request.scope)
    note.team_id, note.correlation_id = found.chain, correlation_of(request) or uuid4()
    if not _may(person, found):
        raise forbidden("Only owners of the organization may.")
    return found


def _may(person: AuthenticatedUser, organization: Organization) -> bool:
    limits = person.key.scoped_organizations
    return (
        person.user.is_owner(organization.id)
        and not person.key.scoped_teams
        and (not limits or organization.id in limits)
    )


def _still_may(
    request: AnyRequest, accounts: Accounts, organization: Organization
) -> Callable[[], Awaitable[bool]]:
    async def may() -> bool:
        try:
            person = await authenticate(request, accounts)
        except Rejected:
            return False
        return _may(person, organization)

    return may


HANDLERS = [read_organizations_audit, read_organizations_reads]
