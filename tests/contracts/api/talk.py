"""The words in which the contract is written: a request, and what its answer says.

`await api("PATCH insights/7/", {"name": "A"})` speaks as a member of the project, below the
project's own path unless the path begins with a slash.
"""

from typing import Any

import httpx
import msgspec

from services.common.accounts import administration
from tests.whole import Whole

PROBLEM = {"type", "code", "detail", "attr"}


class Answer(msgspec.Struct, frozen=True):
    """status, headers and the body: decoded when it is JSON, else its text."""

    status: int
    body: Any
    headers: httpx.Headers

    def __getitem__(self, member: str) -> Any:
        return self.body[member]

    def says(self, status: int, **members: Any) -> None:
        """The status is this, and the body has these members (dotted by `__`) with these values."""
        assert self.status == status, self.body
        for name, wanted in members.items():
            found = self.body
            for step in name.split("__"):
                found = found[int(step) if isinstance(found, list) else step]
            assert found == wanted, f"{name} is {found!r}"

    def refuses(
        self,
        status: int,
        code: str,
        detail: str | None = None,
        *,
        attr: str | None = None,
        type: str | None = None,  # the member's name on the wire
    ) -> None:
        """An error, in the one shape; detail: word for word where clients read it."""
        assert (self.status, self.body.get("code")) == (status, code), self.body
        assert self.body.keys() >= PROBLEM
        assert self.headers["content-type"].startswith("application/json")
        assert self.body["attr"] == attr, self.body
        assert self.body["type"] == (type or _type(status)), self.body
        assert isinstance(self.body["detail"], str)
        assert self.body["detail"]
        if detail is not None:
            assert self.body["detail"] == detail


class Api:
    """One project with its services. here: what answers, and who is in it."""

    def __init__(self, here: Whole) -> None:
        self.here = here

    async def __call__(
        self,
        request: str,
        body: Any = None,
        /,
        *,
        by: dict[str, str] | None = None,
        text: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """by: the headers of another key. text: a body as it is, instead of JSON."""
        method, _, path = request.partition(" ")
        url = path if path.startswith("/") else self.here.root + path
        sent = await self.here.client.request(
            method,
            url,
            json=body,
            content=text.encode() if text is not None else None,
            headers={**(by or {}), **(headers or {})},
        )
        labelled = sent.headers.get("content-type", "").startswith("application/json")
        is_json = labelled and bool(sent.content)
        return Answer(sent.status_code, sent.json() if is_json else sent.text, sent.headers)

    async def insight(self, **fields: Any) -> Any:
        """The body of a new insight."""
        made = await self("POST insights/", fields)
        made.says(201)
        return made.body

    async def dashboard(self, **fields: Any) -> int:
        """The number of a new dashboard."""
        made = await self("POST dashboards/", fields)
        made.says(201)
        return int(made["id"])

    async def key(self, *scopes: str, user_id: int | None = None) -> dict[str, str]:
        """Headers of another key; ada's unless said otherwise, for everything unless limited."""
        return await self.here.key(*scopes, user_id=user_id)

    async def member(self, name: str) -> dict[str, str]:
        """Headers of a plain member's key for everything."""
        return await self.key(user_id=await self.here.member(f"{name}@example.com"))

    async def stranger(self) -> dict[str, str]:
        """Headers of the key of somebody in the other organization, its administrator."""
        user_id = await administration.create_user(
            self.here.pool, "eve@example.com", self.here.foreign.organization_id, level=8
        )
        return await self.key(user_id=user_id)

    @property
    def elsewhere(self) -> str:
        """The path of the other organization's project."""
        return f"/api/projects/{self.here.foreign.id}/"


def _type(status: int) -> str:
    match status:
        case 400:
            return "validation_error"
        case 401 | 403:
            return "authentication_error"
        case 429:
            return "throttled_error"
        case _ if status >= 500:
            return "server_error"
        case _:
            return "invalid_request"
