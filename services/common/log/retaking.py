"""Numbers that entries have, taken again where they are put back: nobody else gets one of them.

Most numbers are a stream's own, `insight/7`; a few stand in a fact. A sequence that is ahead
already stays where it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.chain import Entry
from contracts.codec import Undecodable, decode_event
from contracts.events.account import MemberAdded, ProjectCreated
from contracts.events.bus_consumer import BusConsumerCreated, BusPasswordRotated
from contracts.events.dashboard import TileAdded
from contracts.events.insight import InsightAddedToDashboard, InsightCreated
from contracts.events.recorded import Actor, DomainEvent, UserActor
from contracts.events.sharing import AccessTokenRotated, SharePasswordAdded, SharingEnabled
from contracts.events.webhook import WebhookChanged, WebhookCreated, WebhookSecretRotated

_actor = msgspec.json.Decoder(Actor)

# By the kind of stream that a number names. Users have streams of what they viewed.
_OF_STREAMS: Mapping[str, LiteralString] = {
    "insight": "insight_ids",
    "dashboard": "dashboard_ids",
    "action": "action_ids",
    "cohort": "cohort_ids",
    "webhook": "webhook_ids",
    "bus_consumer": "bus_consumer_ids",
    "erasure": "erasures",
    "hold": "hold_ids",
    "viewing": "users",
}

_CREATED: Mapping[str, LiteralString] = {
    "insight.created.v1": """
        INSERT INTO insight_ids (id, team_id, short_id)
        SELECT %(number)s, id, %(short_id)s FROM projects WHERE id = %(team_id)s
        ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id, short_id = excluded.short_id""",
    "dashboard.created.v1": """
        INSERT INTO dashboard_ids (id, team_id)
        SELECT %(number)s, id FROM projects WHERE id = %(team_id)s
        ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id""",
    "action.created.v1": """
        INSERT INTO action_ids (id, team_id)
        SELECT %(number)s, id FROM projects WHERE id = %(team_id)s
        ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id""",
    "cohort.created.v1": """
        INSERT INTO cohort_ids (id, team_id)
        SELECT %(number)s, id FROM projects WHERE id = %(team_id)s
        ON CONFLICT (id) DO UPDATE SET team_id = excluded.team_id""",
}

# `tile_ids` is a sequence itself, the others are tables whose ids have one.
_AHEAD: LiteralString = """
    SELECT setval(name, greatest(%(number)s, pg_sequence_last_value(name)))
    FROM (SELECT coalesce(
        CASE WHEN %(of)s <> 'tile_ids' THEN pg_get_serial_sequence(%(of)s, 'id') END, %(of)s
    )::regclass AS name) AS sequence"""

# Chains of organizations are counted down from -1.
_CHAINS_AHEAD: LiteralString = """
    SELECT setval(name, least(%(number)s, pg_sequence_last_value(name)))
    FROM (SELECT pg_get_serial_sequence('organizations', 'chain')::regclass AS name) AS sequence"""


async def take_again(conn: AsyncConnection[TupleRow], entries: Sequence[Entry]) -> None:
    """In the transaction that puts these entries back."""
    highest: dict[LiteralString, int] = {}
    lowest_chain = 0
    for entry in entries:
        if (statement := _CREATED.get(entry.name)) is not None:
            await conn.execute(statement, _created(entry))
        for of, number in _numbers(entry):
            highest[of] = max(number, highest.get(of, 0))
        lowest_chain = min(entry.team_id, lowest_chain)
    for of, number in sorted(highest.items()):
        await conn.execute(_AHEAD, {"of": of, "number": number})
    if lowest_chain:
        await conn.execute(_CHAINS_AHEAD, {"number": lowest_chain})


def _created(entry: Entry) -> dict[str, Any]:
    event = decode_event(entry.name, bytes(entry.event))
    short_id = event.short_id if isinstance(event, InsightCreated) else None
    return {"number": _stream_number(entry), "team_id": entry.team_id, "short_id": short_id}


def _numbers(entry: Entry) -> Iterator[tuple[LiteralString, int]]:
    """Each sequence, and a number of it that the entry has."""
    kind, number = entry.subject.partition("/")[0], _stream_number(entry)
    if number and (table := _OF_STREAMS.get(kind)) is not None:
        yield table, number
    if entry.team_id > 0:
        yield "projects", entry.team_id
    actor = _actor.decode(entry.actor)
    if isinstance(actor, UserActor):
        yield "users", actor.user_id
    try:
        event = decode_event(entry.name, bytes(entry.event))
    except Undecodable:  # a newer version's
        return
    yield from _in(event)


def _in(event: DomainEvent) -> Iterator[tuple[LiteralString, int]]:
    """Those that stand in the fact alone."""
    match event:
        case TileAdded(tile_id=number) | InsightAddedToDashboard(tile_id=number):
            yield "tile_ids", number
        case SharingEnabled(token_id=number) | AccessTokenRotated(token_id=number):
            yield "share_tokens", number
        case SharePasswordAdded(password_id=number):
            yield "share_passwords", number
        case BusConsumerCreated(password_id=number) | BusPasswordRotated(password_id=number):
            yield "bus_passwords", number
        case WebhookCreated(secret_id=number, settings=settings):
            yield "webhook_secrets", max(number, settings.address_id)
        case WebhookChanged(settings=settings):
            yield "webhook_secrets", settings.address_id
        case WebhookSecretRotated(secret_id=number):
            yield "webhook_secrets", number
        case MemberAdded(user_id=number):
            yield "users", number
        case ProjectCreated(team_id=number):
            yield "projects", number
        case _:
            return


def _stream_number(entry: Entry) -> int:
    return int(entry.subject.partition("/")[2])
