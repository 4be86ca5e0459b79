"""Checkpoints and witnesses, wired into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from litestar import Litestar
from litestar.datastructures import State

from services.common.http.app import ServicePart
from services.common.http.health import PartCheck, PartDegraded
from services.common.postgres.database import pool
from services.common.postgres.installation import installation
from services.common.proofs.origins import log_origin
from services.common.settings import InvalidSettings
from services.common.tasks import background, failure
from services.projector.proofs.key_files import KeyFiles
from services.projector.proofs.options import NO_KEY, ProofOptions
from services.projector.proofs.receipts import Receipts
from services.projector.proofs.signer import Signer
from services.projector.proofs.witnesses import Witness, Witnessing, parse_witnesses


class Signing(msgspec.Struct, frozen=True):
    """What signs in this process, and its task."""

    signer: Signer
    witnesses: list[Witnessing]
    tasks: list[asyncio.Task[None]]


def part(database_url: str, options: ProofOptions = NO_KEY) -> ServicePart:
    """No routes: trees are signed as long as the application runs. Any number of processes may;
    one of them signs at a time. Raises InvalidSettings.
    """
    witnesses = _witnesses(options)
    files = KeyFiles(Path(options.log_key_file)) if options.log_key_file else None

    @contextlib.asynccontextmanager
    async def signing(app: Litestar) -> AsyncIterator[None]:
        size = 5 + 3 * len(witnesses)
        async with (
            pool(database_url, size=size, name="proofs") as connections,
            contextlib.AsyncExitStack() as stack,
        ):
            origin = log_origin(options.log_origin, await installation(connections))
            signer = Signer(connections, origin, files)
            asked = [Witnessing(connections, each) for each in witnesses]
            works = [("checkpoints", signer.run()), ("old checkpoints", signer.thin())]
            works.append(("receipts", Receipts(connections, origin, files).run()))
            works += [(f"witness {each.witness.key.name}", each.run()) for each in asked]
            tasks = [await stack.enter_async_context(background(*work)) for work in works]
            app.state.signing = Signing(signer, asked, tasks)
            yield

    return ServicePart(
        handlers=(), lifespans=(signing,), checks={"checkpoints": PartCheck(_checkpoints)}
    )


def _witnesses(options: ProofOptions) -> list[Witness]:
    try:
        return parse_witnesses(options.witnesses)
    except ValueError as cause:
        raise InvalidSettings(f"…_WITNESSES: {cause}") from cause


async def _checkpoints(state: State) -> None:
    """Whether every tree is signed, by a key, and no witness knows another history."""
    signing: Signing = state.signing
    for task in signing.tasks:
        if task.done():
            raise PartDegraded(f"{task.get_name()} has ended: {failure(task)}")
    for team_id, why in signing.signer.refused.items():
        raise PartDegraded(f"project {team_id} is not signed any more: {why}")
    for witnessing in signing.witnesses:
        for team_id, why in witnessing.refused.items():
            name = witnessing.witness.key.name
            raise PartDegraded(
                f"a witness refuses this history: {name}, of project {team_id}: {why}"
            )
    if signing.signer.missing_key is not None:
        raise PartDegraded(f"checkpoints are not signed: {signing.signer.missing_key}")
