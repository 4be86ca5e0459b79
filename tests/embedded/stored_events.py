"""Counts what a stopped server's engine holds; run by path, because a process opens one engine.

Arguments: the data folder. Prints one line of JSON: events, and distinct uuids, by project.
"""

import asyncio
import json
import sys

from services.common.clickhouse import ClickHouse
from services.common.statement import Statement

COUNT = "SELECT toString(team_id), count(), uniqExact(uuid) FROM events GROUP BY team_id"


async def main() -> None:
    async with await ClickHouse.open(f"chdb://{sys.argv[1]}/chdb") as clickhouse:
        rows = await clickhouse.query(Statement(COUNT, {}))
    print(json.dumps({team: [count, unique] for team, count, unique in rows}))


asyncio.run(main())
