"""GET audit/completeness/: what is there, what was proved, and what is wrong."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.accounts.administration import create_key
from services.projector.app import projections
from services.projector.auditor import state
from services.projector.auditor.auditor import Auditor
from tests.examples import INSIGHT
from tests.services.query.audit.auditing import AUDIT, write
from tests.services.query.streams.streaming import Streaming, streaming_service


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Streaming]:
    async with streaming_service(postgres_url) as running:
        await write(running)
        await running.projector.catch_up()
        yield running


async def told(service: Streaming) -> Any:
    answer = await service.client.get(f"{AUDIT}completeness/", headers=service.headers("alice"))
    assert answer.status_code == 200
    return answer.json()


async def audited(service: Streaming) -> None:
    async with service.projector.pool.connection() as conn:
        await state.set_pace(conn, 500)
    await Auditor(service.projector.url, projections(), per_second=0).round()


async def test_before_anybody_has_audited_it_says_so(service: Streaming) -> None:
    answer = await told(service)
    last = (await service.entries())[-1]
    assert answer == {
        "project": 1,
        "auditor": "off",
        "head": {
            "sequence": last.team_seq,
            "position": last.position,
            "hash": last.hash.hex(),
            "at": answer["head"]["at"],
        },
        "tree": None,
        "facts": {"verified_through": 0, "verified_at": None},
        "entries": None,
        "reads": {
            "last_number": 0,
            "sealed_through": 0,
            "verified_through": 0,
            "unclean_runs": [],
        },
        "erased": 0,
        "holds": 0,
        "stream": None,
        "divergences": {"found": 0, "healed": 0},
        "oldest_proof": None,
        "problems": [],
        "ok": True,
    }


async def test_after_a_round_all_is_proved(service: Streaming) -> None:
    await audited(service)
    answer = await told(service)
    assert answer["auditor"] == "on"
    assert answer["facts"]["verified_through"] == answer["head"]["sequence"] == 9
    assert answer["facts"]["verified_at"] is not None
    assert answer["entries"] == {"activity": 9, "operations": 9, "missing": 0}
    assert answer["oldest_proof"] is not None
    assert (answer["problems"], answer["ok"]) == ([], True)


async def test_what_was_found_is_counted_and_what_is_wrong_is_named(service: Streaming) -> None:
    await service.projector.execute(
        "DELETE FROM insights WHERE team_id = 1 AND insight_id = %s", INSIGHT
    )
    await audited(service)
    answer = await told(service)
    assert answer["divergences"] == {"found": 1, "healed": 1}
    assert answer["ok"] is True
    await service.projector.execute("UPDATE log SET state = state || ' ' WHERE team_id = 2")
    await audited(service)
    answer = await told(service)
    assert answer["ok"] is False
    # Where another project's is, is not for this one's readers.
    assert answer["problems"] == ["the log is not what was written: another project"]
    await service.projector.execute("UPDATE log SET state = state || ' ' WHERE team_seq = 3")
    await audited(service)
    (problem,) = (await told(service))["problems"]
    assert "position 3: commitment does not follow" in problem


async def test_it_is_for_administrators_with_the_scope(service: Streaming) -> None:
    path = f"{AUDIT}completeness/"
    answer = await service.client.get(path, headers=service.headers("bob"))
    assert answer.status_code == 403
    for scope, status in (("insight:read", 403), ("activity_log:read", 200)):
        key = await create_key(service.projector.pool, 1, scopes=[scope])
        answer = await service.client.get(path, headers={"Authorization": f"Bearer {key.key}"})
        assert answer.status_code == status
