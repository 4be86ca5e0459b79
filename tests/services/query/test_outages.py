"""While a server that stands behind is away, clients are told when to ask again."""

from pathlib import Path

import httpx
import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from tests.services.common.log.cable import cable
from tests.whole import Whole, running

FUNNEL = {"events": [{"id": "a"}, {"id": "b"}]}


def is_told_to_come_again(answer: httpx.Response) -> bool:
    problem = answer.json()
    return (
        answer.status_code == 503
        and (problem["type"], problem["code"]) == ("server_error", "unavailable")
        and int(answer.headers["retry-after"]) > 0
    )


async def test_without_postgresql(
    postgres_url: str, nats_url: str, clickhouse: ClickHouse, server_folder: Path
) -> None:
    engine = f"chdb://{server_folder / 'chdb'}?database={clickhouse.database}"
    async with (
        cable(postgres_url) as (laid, url),
        running(url, nats_url, clickhouse, engine) as whole,
    ):
        made = await whole.create(name="A")
        path = f"{whole.insights}{made['id']}/"
        assert (await whole.client.get(path)).status_code == 200
        laid.unplugged = True
        laid.cut()
        assert is_told_to_come_again(await whole.client.get(path))
        laid.unplugged = False
        assert (await whole.client.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "dates"),
    [("insights/funnel/", {}), ("insights/funnel/", {"date_from": "all"}), ("persons/funnel/", {})],
)
async def test_without_the_tables_of_events(whole: Whole, path: str, dates: dict[str, str]) -> None:
    await whole.clickhouse.query(Statement("DROP TABLE events", {}))
    step = {"funnel_step": 1} if path.startswith("persons") else {}
    answer = await whole.client.post(f"{whole.root}{path}", json={**FUNNEL, **dates, **step})
    assert is_told_to_come_again(answer)
