"""The public side's answers: a shared insight, and nothing else of the project."""

import msgspec

from contracts.api.funnels import ShownResult
from contracts.api.times import Time
from contracts.json import JsonObject, ListOrNull, ObjectOrNull


class SharedInsight(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None
    derived_name: str | None
    description: str | None
    query: ObjectOrNull
    filters: JsonObject
    result: ShownResult
    columns: ListOrNull
    last_refresh: Time | None
    timezone: str


class SharedAnswer(msgspec.Struct, frozen=True):
    """`/shared/:token.json`."""

    insight: SharedInsight


class SharedProblem(msgspec.Struct, frozen=True):
    """A refusal on the public side. PostHog: the one member `error`."""

    error: str


class Unlock(msgspec.Struct, frozen=True):
    """Body of POST /shared/:token."""

    password: str


class Unlocked(msgspec.Struct, frozen=True):
    """shareToken: sent back as a cookie by browsers, as a bearer token by programs."""

    shareToken: str
