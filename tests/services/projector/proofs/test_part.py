"""Checkpoints in an application: signed as the log grows, and readiness knows when they are not."""

from pathlib import Path

import pytest
from litestar import Litestar

from services.common.http.app import ServicePart, compose
from services.common.http.health import Examination, Health
from services.common.proofs.checkpoints import SignedCheckpoint, newest
from services.common.settings import InvalidSettings
from services.projector import app as following
from services.projector.proofs import part as signing
from services.projector.proofs.options import ProofOptions
from tests.examples import TEAM, created
from tests.services.projector.projecting import Projecting
from tests.services.projector.proofs.witness import witnessing
from tests.waiting import seen


async def checked(app: Litestar, part: ServicePart) -> Health:
    return await Examination(part.checks).examine(app.state)


async def test_a_log_that_grows_is_signed_and_cosigned(
    projector: Projecting, tmp_path: Path
) -> None:
    await projector.append(created())
    with witnessing() as witness:
        # It trusts no key: its 403 is a failure that is told by a metric, and no refusal.
        options = ProofOptions(
            log_key_file=str(tmp_path / "keys"), witnesses=f"{witness.vkey} {witness.url}"
        )
        part = signing.part(projector.url, options)
        app = compose([running(projector), part])
        async with app.lifespan():

            async def signed() -> SignedCheckpoint | None:
                return await newest(projector.pool, TEAM)

            await seen(signed, lambda found: found is not None and bool(witness.answers))
            assert (await checked(app, part)).status == "ok"
        assert witness.answers[0] == (0, 403)


async def test_readiness_is_degraded_without_a_key_and_when_a_witness_refuses(
    projector: Projecting,
) -> None:
    await projector.append(created())
    with witnessing() as witness:
        options = ProofOptions(witnesses=f"{witness.vkey} {witness.url}")
        part = signing.part(projector.url, options)
        app = compose([running(projector), part])
        async with app.lifespan():

            async def reason() -> str | None:
                return (await checked(app, part)).parts["checkpoints"].reason

            await seen(reason, lambda found: "there is no key" in str(found))
            app.state.signing.witnesses[0].refused[TEAM] = "another history"
            assert "a witness refuses this history" in str(await reason())
            app.state.signing.signer.refused[TEAM] = "rewritten"
            assert "is not signed any more: rewritten" in str(await reason())
            assert (await checked(app, part)).status == "degraded"


def test_a_witness_that_is_misspelled_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSettings, match="WITNESSES"):
        signing.part("postgresql://nowhere", ProofOptions(witnesses="https://witness.example"))


def running(of: Projecting) -> ServicePart:
    return following.part(of.url)
