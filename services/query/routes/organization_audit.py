"""An organization's own chain, of its keys, members and projects: what `audit/` answers of a
project's, for owners.
"""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from contracts.api.completeness import Completeness
from contracts.api.proofs import ConsistencyProof, InclusionProof, LogKeys
from services.common.accounts.accounts import Accounts, Organization
from services.common.http.caller import AuthenticatedUser, authenticate
from services.common.http.observed import correlation_of
from services.common.http.operations import reads as answers
from services.common.http.organizations import resolve_organization
from services.common.http.problems import Rejected, forbidden
from services.common.http.read_notes import noted
from services.common.http.request import AnyRequest
from services.query.reads.all import Reads
from services.query.routes import audit, audit_reads, completeness, proofs
from services.query.routes.audit import AuditChain
from services.query.streams.streams import Streams

ROOT = "/api/organizations/{organization:str}/audit"


@get(f"{ROOT}/", opt={**audit.READ, **audit.DESCRIBED})
async def read_organizations_audit(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    chain: NamedDependency[AuditChain],
) -> ASGIResponse:
    """Every fact of the organization's accounts, as a project's `audit/` tells its facts.

    For owners, with a key that is limited to no project.
    """
    return await audit.audit_answer(request, reads, streams, accounts, chain)


@get(f"{ROOT}/reads/", opt={**audit_reads.READ, **audit_reads.DESCRIBED})
async def read_organizations_reads(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    accounts: NamedDependency[Accounts],
    chain: NamedDependency[AuditChain],
) -> ASGIResponse:
    """Who has read the organization's chain, and this."""
    return await audit_reads.reads_answer(request, reads, streams, accounts, chain.team_id)


@get(f"{ROOT}/completeness/", opt={**completeness.READ, **answers(Completeness)})
async def read_organizations_completeness(
    reads: NamedDependency[Reads], chain: NamedDependency[AuditChain]
) -> Response[bytes]:
    """What is there of the organization's chain, and what was proved of it when."""
    return await completeness.completeness_answer(reads, chain.team_id)


@get(f"{ROOT}/export/", opt={**proofs.READ, **proofs.EXPORT})
async def export_organizations_archive(
    request: AnyRequest,
    reads: NamedDependency[Reads],
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
) -> ASGIResponse:
    """The chain as one file of lines, which `recount verify --export` verifies by itself."""
    return await proofs.export_answer(request, reads, streams, chain.team_id)


@get(f"{ROOT}/log/checkpoint/", opt={**proofs.READ, **proofs.CHECKPOINT})
async def read_organizations_checkpoint(
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
) -> Response[str]:
    """The newest checkpoint of the organization's tree. 404 until the first."""
    return await proofs.checkpoint_answer(streams.pool, chain.team_id)


@get(f"{ROOT}/log/keys/", opt={**proofs.READ, **proofs.KEYS})
async def read_organizations_keys(
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
) -> LogKeys:
    """The keys that sign its checkpoints, or have signed them."""
    return await proofs.keys_answer(streams, chain.team_id)


@get(f"{ROOT}/log/tile/{{place:path}}", opt={**proofs.READ, **proofs.TILE})
async def read_organizations_tile(
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
    place: FromPath[str],
) -> Response[bytes]:
    """A tile of its tree, or the entries below one."""
    return await proofs.tile_answer(streams.pool, chain.team_id, place)


@get(f"{ROOT}/log/proof/inclusion/", opt={**proofs.READ, **proofs.INCLUSION})
async def prove_organizations_inclusion(
    request: AnyRequest,
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
) -> InclusionProof:
    """Proof that an entry is in its tree of a size."""
    return await proofs.inclusion_answer(request, streams.pool, chain.team_id)


@get(f"{ROOT}/log/proof/consistency/", opt={**proofs.READ, **proofs.CONSISTENCY})
async def prove_organizations_consistency(
    request: AnyRequest,
    streams: NamedDependency[Streams],
    chain: NamedDependency[AuditChain],
) -> ConsistencyProof:
    """Proof that its tree begins with an older one."""
    return await proofs.consistency_answer(request, streams.pool, chain.team_id)


async def provide_chain(
    request: AnyRequest,
    accounts: NamedDependency[Accounts],
    person: NamedDependency[AuthenticatedUser],
    organization: FromPath[str],
) -> AuditChain:
    """The organization's that the path names. Raises Rejected: 404; 403 for who is no owner, or has
    a key for certain projects alone.
    """
    found = await resolve_organization(organization, person, accounts)
    note = noted(request.scope)
    note.team_id, note.correlation_id = found.chain, correlation_of(request.scope)
    if not _may(person, found):
        raise forbidden("Only owners of the organization may.")

    async def still_may() -> bool:
        try:
            return _may(await authenticate(request, accounts), found)
        except Rejected:
            return False

    return AuditChain(found.chain, still_may)


def _may(person: AuthenticatedUser, organization: Organization) -> bool:
    limits = person.key.scoped_organizations
    return (
        person.user.is_owner(organization.id)
        and not person.key.scoped_teams
        and (not limits or organization.id in limits)
    )


HANDLERS = [
    read_organizations_audit,
    read_organizations_reads,
    read_organizations_completeness,
    export_organizations_archive,
    read_organizations_checkpoint,
    read_organizations_keys,
    read_organizations_tile,
    prove_organizations_inclusion,
    prove_organizations_consistency,
]
