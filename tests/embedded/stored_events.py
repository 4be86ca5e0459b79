"""Counts what a stopped server's engine holds; run by path, because a process opens one engine.

Arguments: the data folder. Prints one line of JSON: project -> [events, distinct uuids, persons].
"""

import asyncio
import json
import sys
from pathlib import Path

from services.common.clickhouse import ClickHouse, embedded_url
from services.common.clickhouse.statement import Statement

COUNT = (
    "SELECT toString(team_id), count(), uniqExact(uuid), uniqExact(person_id)"
    " FROM events GROUP BY team_id"
)


async def main() -> None:
    async with await ClickHouse.open(embedded_url(Path(sys.argv[1]) / "chdb")) as clickhouse:
        rows = await clickhouse.query(Statement(COUNT, {}))
    print(json.dumps({team: counts for team, *counts in rows}))


asyncio.run(main())
