"""The circumstances of a write beside its body: If-Match, Idempotency-Key, dry_run."""

import hashlib

from litestar.di import NamedDependency
from msgspec.structs import replace

from contracts.headers import IDEMPOTENCY_KEY, IF_MATCH, LONGEST_KEY
from services.command.handle import Terms
from services.command.plans import DRAWN, Drawn, Plans, is_plan
from services.common.http.body import as_json
from services.common.http.caller import Caller
from services.common.http.dry_run import is_dry_run
from services.common.http.etag import is_any, parse_if_match
from services.common.http.problems import invalid
from services.common.http.request import AnyRequest
from services.common.log.store import NewReceipt


async def provide_terms(request: AnyRequest, caller: NamedDependency[Caller]) -> Terms:
    """Raises Rejected 400 for a malformed If-Match or Idempotency-Key."""
    if_match = request.headers.get(IF_MATCH)
    # The alias of a path is the same request; the project is the caller's, and part of the receipt.
    rest = "/".join(str(value) for name, value in request.path_params.items() if name != "project")
    if is_plan(if_match):
        return await blind_terms(request, caller, rest)
    expected, there = parse_if_match(if_match), is_any(if_match)
    terms = await blind_terms(request, caller, rest)
    return replace(terms, expected_version=expected, if_there=there)


async def blind_terms(
    request: AnyRequest, caller: Caller, subject: str, body: bytes | None = None
) -> Terms:
    """The same of a command that looks at no version: If-Match names a plan, or says nothing.

    subject, body: as `receipt_of` takes them.
    """
    dry_run, sent = is_dry_run(request), is_plan(request.headers.get(IF_MATCH))
    terms = Terms(caller=caller)
    if dry_run or sent is not None:
        digest = (await _digest(request, subject, body)).hex()
        terms = trial_terms(request.app.state.plans, caller, digest, sent)
    # A trial is no first time: its key stays unused.
    receipt = None if dry_run else await receipt_of(request, subject, body)
    return replace(terms, receipt=receipt, dry_run=dry_run)


def trial_terms(plans: Plans, caller: Caller, digest: str, sent: str | None) -> Terms:
    """Of a command that is tried; or, with a plan that was `sent`, done as the plan says.

    digest: of what is asked for. Raises as `Plans.read` does.
    """
    plan = None if sent is None else plans.read(sent, digest, caller.user.id, caller.team_id)
    DRAWN.set(Drawn(() if plan is None else plan.drawn))
    return Terms(caller=caller, dry_run=plan is None, plan=plan, request=digest)


async def receipt_of(
    request: AnyRequest, subject: str, body: bytes | None = None
) -> NewReceipt | None:
    """The receipt that the request's Idempotency-Key is kept with; None without a key.

    subject: what it is about, however its path spells that. body: what counts of it; all, if None.
    Raises Rejected 400 for a malformed key.
    """
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise invalid(
            IDEMPOTENCY_KEY,
            "invalid_input",
            f"Idempotency-Key takes 1 to {LONGEST_KEY} printable ASCII characters.",
        )
    digest = await _digest(request, subject, body)
    return NewReceipt(key, digest, 201 if request.method == "POST" else 200)


async def _digest(request: AnyRequest, subject: str, body: bytes | None = None) -> bytes:
    """Of what the request asks for."""
    handler = request.route_handler.handler_name
    digest = hashlib.sha256(f"{request.method} {handler} {subject}\n".encode())
    digest.update(await as_json(request) if body is None else body)
    return digest.digest()
