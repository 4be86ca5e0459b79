"""Answers made of versions: a page of them, and one with the whole as it was then."""

from collections.abc import Sequence

import msgspec
from litestar import Response

from contracts.api.access import joined
from contracts.api.versions import VersionBody, VersionPage
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.version import FOREVER, VersionActivity
from contracts.references import number_in
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.problems import invalid, not_a_choice, not_found
from services.common.http.request import AnyRequest
from services.common.insights.context import user_bodies
from services.query.http import paging, parameters
from services.query.http.answers import answer
from services.query.problems import parked
from services.query.reads.all import Reads
from services.query.reads.read_position import FreshValue
from services.query.reads.versions import FoundVersion, FoundVersions, VersionWish

DEFAULT_LIMIT = 20
ACTIVITIES: tuple[VersionActivity, ...] = ("created", "updated", "deleted", "restored")

_encoder = msgspec.json.Encoder()


async def version_page(
    request: AnyRequest,
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
    stream: Stream[DomainEvent],
) -> Response[bytes]:
    """Raises Rejected 400; 404 for a thing that never was, 503 when it can't be followed."""
    wish = _wish(request)
    fresh = await reads.freshness.of(
        lambda: reads.versions.page(stream, wish), parameters.at_least(request)
    )
    found = fresh.value
    if found.parked_at is not None:
        raise parked(found.parked_at)
    if not found.versions and not await _ever(reads, stream):
        raise not_found()
    following = None
    if found.more:
        last = found.versions[-1].entry.version
        following = paging.link(request, limit=str(wish.limit), before=str(last))
    patch = parameters.flag(request, "patch")
    results = await version_bodies(found.versions, reads, accounts, caller, patch=patch)
    body = VersionPage(count=found.count, next=following, results=results)
    return answer(request, _encoder.encode(body), fresh)


async def one_version(
    request: AnyRequest, reads: Reads, stream: Stream[DomainEvent], version: str
) -> tuple[FoundVersion, FreshValue[FoundVersions]]:
    """Raises Rejected 404 for a number that no operation ended with, or was there before."""
    number = number_in(version)
    if not number:
        raise not_found()
    fresh = await reads.freshness.of(
        lambda: reads.versions.one(stream, number), parameters.at_least(request)
    )
    if fresh.value.parked_at is not None:
        raise parked(fresh.value.parked_at)
    if not fresh.value.versions:
        raise not_found()
    return fresh.value.versions[0], fresh


async def version_answer(
    request: AnyRequest,
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
    found: tuple[FoundVersion, FreshValue[FoundVersions]],
    then: msgspec.Struct,
) -> Response[bytes]:
    """then: an object with one member, the whole as it was."""
    version, fresh = found
    patch = parameters.flag(request, "patch")
    (body,) = await version_bodies([version], reads, accounts, caller, patch=patch)
    shown = joined(_encoder.encode(body), _encoder.encode(then))
    return answer(request, shown, fresh, version=version.entry.version)


async def version_bodies(
    versions: Sequence[FoundVersion],
    reads: Reads,
    accounts: Accounts,
    caller: Caller,
    *,
    patch: bool,
) -> tuple[VersionBody, ...]:
    """Their sentences are made now, in the names of today."""
    tiles = {
        tile.insight_id
        for version in versions
        if isinstance(version.row, DashboardRow)
        for tile in version.row.tiles
    }
    names = await reads.versions.names(caller, sorted(tiles))
    users = await user_bodies(accounts, (version.entry.user_id for version in versions))
    return tuple(
        VersionBody.of(
            version.entry,
            version.difference(names),
            users,
            version.trigger,
            patch=patch,
        )
        for version in versions
    )


async def _ever(reads: Reads, stream: Stream[DomainEvent]) -> bool:
    """Whether the thing ever was: a filter may leave nothing of it."""
    return bool((await reads.versions.at(stream, FOREVER)).value.versions)


def _wish(request: AnyRequest) -> VersionWish:
    limit = parameters.number(
        request, "limit", DEFAULT_LIMIT, least=1, most=parameters.HIGHEST_LIMIT
    )
    sent = parameters.text(request, "activity")
    activity = next((each for each in ACTIVITIES if each == sent), None)
    if sent and activity is None:
        raise not_a_choice("activity", sent)
    before = _number(request, "before")
    return VersionWish(
        limit=limit,
        before=FOREVER if before is None else before,
        activity=activity,
        user=_number(request, "user"),
    )


def _number(request: AnyRequest, name: str) -> int | None:
    sent = parameters.text(request, name)
    if not sent:
        return None
    found = number_in(sent)
    if found is None:
        raise invalid(name, "invalid_input", "A valid integer is required.")
    return found
