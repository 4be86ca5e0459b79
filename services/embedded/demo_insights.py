"""What the demo shows of its events: a funnel and a trend, on a dashboard.

They are made by commands, as anybody's are. Each command has an Idempotency-Key, and all of them
one API key, made anew for each try: a start that was killed in between makes none of them twice.
"""

import asyncio
from typing import Any

import httpx

from services.command.accounts.service import AccountWrites
from services.embedded import demo
from services.embedded.accounts import FirstAccounts

FUNNEL_STEPS = (demo.VISITED, demo.FORM_OPENED, demo.SIGNED_UP)
KEY_ID = "first-start-demo"
_KEY_LABEL = "The demo's, of the first start alone"
_LAST_WEEKS = {"date_from": "-30d"}
_TIMEOUT_SECONDS = 60.0

FUNNEL: dict[str, Any] = {
    "name": "From visit to sign-up",
    "description": "Of those who opened the page, who signed up within two weeks?",
    "query": {
        "kind": "InsightVizNode",
        "source": {
            "kind": "FunnelsQuery",
            "dateRange": _LAST_WEEKS,
            "series": [{"kind": "EventsNode", "event": step} for step in FUNNEL_STEPS],
        },
    },
}
TREND: dict[str, Any] = {
    "name": "Visitors by source",
    "description": "Where did each day's visitors come from?",
    "query": {
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "dateRange": _LAST_WEEKS,
            "series": [{"kind": "EventsNode", "event": demo.VISITED, "math": "dau"}],
            "breakdownFilter": {"breakdown": "utm_source", "breakdown_limit": 2},
        },
    },
}


async def make(url: str, writes: AccountWrites, first: FirstAccounts) -> None:
    """Make what is missing of them."""
    key = await writes.renew_key(
        KEY_ID,
        first.user_id,
        label=_KEY_LABEL,
        scopes=["insight:write", "dashboard:write"],
        team_ids=[first.project_id],
    )
    headers = {"Authorization": f"Bearer {key.key}"}
    project = f"{url}/api/projects/{first.project_id}"
    async with httpx.AsyncClient(
        base_url=project, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False
    ) as client:
        board = await _made(client, "dashboards", {"name": "The demo at a glance"}, "dashboard")
        for name, insight in (("funnel", FUNNEL), ("trend", TREND)):
            await _made(client, "insights", insight | {"dashboards": [board]}, name)
    await writes.revoke_key(key.id)


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any], name: str) -> int:
    """Its number. Asked again while the services are still starting."""
    while True:
        answer = await client.post(
            f"/{path}/", json=body, headers={"Idempotency-Key": f"demo-{name}"}
        )
        if answer.status_code != 503:
            answer.raise_for_status()
            return int(answer.json()["id"])
        await asyncio.sleep(0.5)
