"""Plans of dry runs: signed, so that nobody else makes one; nothing of them is stored.

A plan holds the versions of all streams that the command looked at, the numbers that it drew, and
digests of its request and of its facts. Sent back, it is done on exactly that, or refused.
"""

import base64
import binascii
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from contracts.codec import encode_event
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from contracts.events.webhook import WebhookChanged, WebhookCreated
from services.common.http.problems import Problem, Rejected, invalid
from services.common.log.store import AppendPart

PREFIX = "plan-"
LIFETIME = timedelta(hours=1)
# What facts name by a number that is drawn at the append, for it is a secret's.
_SECRETS = frozenset({"token_id", "password_id", "secret_id", "address_id", "public_key"})
_SIGNATURE_BYTES = 32

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """versions: of a stream's kind and number. request, facts: digests. expires: in seconds."""

    versions: tuple[tuple[str, int, int], ...]
    drawn: tuple[Any, ...]
    request: str
    facts: str
    user_id: int
    team_id: int
    expires: int

    def version_of(self, stream: Stream[Any]) -> int | None:
        """None: facts stand behind whatever it holds by then."""
        named = (stream.kind.value, stream.number)
        return next((version for *which, version in self.versions if (*which,) == named), None)


class Plans:
    """Signs and reads plans with a key that all processes of an installation share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, plan: Plan) -> str:
        text = msgspec.json.encode(plan)
        return PREFIX + base64.urlsafe_b64encode(self._signature(text) + text).decode().rstrip("=")

    def read(self, sent: str, request: str, user_id: int, team_id: int) -> Plan:
        """Raises Rejected: 400 for one that is not ours, 422 for another request's or somebody
        else's, 412 for one that is too old.
        """
        coded = sent.removeprefix(PREFIX)
        try:
            whole = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        except (binascii.Error, ValueError) as cause:
            raise _forged() from cause
        signature, text = whole[:_SIGNATURE_BYTES], whole[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(self._signature(text), signature):
            raise _forged()
        plan = msgspec.json.decode(text, type=Plan)
        if (plan.request, plan.user_id, plan.team_id) != (request, user_id, team_id):
            raise _refused(422, "plan_mismatch", "The plan is of another request.")
        if plan.expires < datetime.now(UTC).timestamp():
            raise _refused(412, "plan_expired", "The plan is too old: make another dry run.")
        return plan

    def _signature(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)


class Drawn:
    """The numbers that a command draws, in order; those of its plan, if it has one."""

    def __init__(self, planned: Iterable[Any] = ()) -> None:
        self._planned = deque(planned)
        self.numbers: list[Any] = []

    async def next(self, draw: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        if self._planned:
            number = msgspec.convert(self._planned.popleft(), kind)
        else:
            number = await draw()
        self.numbers.append(msgspec.to_builtins(number))
        return number


DRAWN: ContextVar[Drawn | None] = ContextVar("drawn", default=None)
"""Of the request: set where a plan is made or followed."""


async def drawn(draw: Callable[[], Awaitable[T]], kind: type[T]) -> T:
    """A number that a plan names, so that what is appended is what was shown."""
    drawing = DRAWN.get()
    return await (draw() if drawing is None else drawing.next(draw, kind))


def versions_of(parts: Iterable[AppendPart]) -> tuple[tuple[str, int, int], ...]:
    """Of all streams that the append holds; a blind part holds none."""
    found = (
        (part.stream.kind.value, part.stream.number, part.after)
        for part in parts
        if part.after is not None
    )
    return tuple(sorted(found))


def digest_of(parts: Iterable[AppendPart]) -> str:
    """Of the facts, whatever their secrets are called."""
    told = [(part.stream.id, [told_fact(fact) for fact in part.events]) for part in parts]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def told_fact(fact: DomainEvent) -> dict[str, Any]:
    """What it says, without its type; null for what names a secret."""
    said: dict[str, Any] = msgspec.json.decode(encode_event(fact), type=dict[str, msgspec.Raw])
    said.pop("type", None)
    if isinstance(fact, WebhookCreated | WebhookChanged):
        for name in said.keys() & {"settings", "previous"}:
            said[name] = _without_secrets(msgspec.json.decode(said[name]))
    return _without_secrets(said)


def _without_secrets(said: dict[str, Any]) -> dict[str, Any]:
    return {name: None if name in _SECRETS else value for name, value in said.items()}


def is_plan(if_match: str | None) -> str | None:
    """The plan that If-Match names; None when it names none."""
    text = (if_match or "").strip()
    if text.startswith(f'"{PREFIX}') and text.endswith('"'):
        return text.strip('"')
    return None


def require_unmoved(plan: Plan, parts: Sequence[AppendPart]) -> None:
    """Raises Rejected 412 where something is not as it was when the plan was made."""
    if versions_of(parts) != plan.versions or digest_of(parts) != plan.facts:
        raise _refused(412, "stale", "Something that the plan rests on has changed since.")


def _forged() -> Rejected:
    return invalid("If-Match", "invalid_input", "That plan is none of ours.")


def _refused(status: int, code: str, detail: str) -> Rejected:
    return Rejected(
        status, Problem(type="invalid_request", code=code, detail=detail, attr="If-Match")
    )
