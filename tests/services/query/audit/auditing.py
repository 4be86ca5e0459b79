"""A chain with facts of many kinds, and who asks for it."""

from typing import Any

import httpx

from contracts.events.access import AccessGranted, Grantee
from contracts.events.dashboard import DashboardCreated, DashboardRenamed
from contracts.events.insight import InsightRenamed
from contracts.events.recorded import SystemActor, UserActor
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import (
    access_stream,
    dashboard_stream,
    insight_stream,
    share_login_stream,
    sharing_stream,
)
from contracts.events.viewing import InsightViewed, ShareLoginFailed
from tests.examples import INSIGHT, created, operation
from tests.services.projector.projecting import viewing
from tests.services.query.streams.streaming import Streaming

OTHER = 8
AUDIT = "/api/projects/1/audit/"
WITH_KEY = UserActor(2, "bobs_key")


async def write(service: Streaming) -> None:
    """Sequences 1 to 9 of project 1, and one fact of project 2 among them."""
    append = service.projector.append
    await append(created(name="Visit to sign-up"))
    await append(created(insight_id=OTHER, short_id="other000"), of=insight_stream(1, OTHER))
    await append(SharingEnabled(INSIGHT, 1), of=sharing_stream(1, INSIGHT))
    await append(InsightViewed(INSIGHT, 2), of=viewing(2), actor=UserActor(2))
    await append(created(), of=insight_stream(2, INSIGHT))
    await append(DashboardCreated(3, "Growth"), of=dashboard_stream(1, 3))
    await append(DashboardRenamed('=cmd()|"x"', "Growth"), of=dashboard_stream(1, 3))
    granted = AccessGranted(INSIGHT, Grantee(2, operation(1)), "editor", None)
    await append(granted, of=access_stream(1, INSIGHT))
    await append(ShareLoginFailed(INSIGHT), of=share_login_stream(1, INSIGHT), actor=SystemActor())
    await append(InsightRenamed("Sign-ups", "Visit to sign-up"), actor=WITH_KEY)


async def get(
    service: Streaming, query: str = "", *, by: str = "alice", **headers: str
) -> httpx.Response:
    """GET audit/ of project 1."""
    headed = {**service.headers(by), **{name.title(): value for name, value in headers.items()}}
    return await service.client.get(f"{AUDIT}{query}", headers=headed)


def sequences(answer: dict[str, list[dict[str, Any]]]) -> list[int]:
    return [entry["sequence"] for entry in answer["entries"]]
