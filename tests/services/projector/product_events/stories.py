"""Random but believable streams of captured events, and what must become of them."""

import random
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from contracts.product_events import CapturedEvent, JsonObject
from services.projector.product_events.persons import Changes, Identities, KnownPersons
from tests.services.projector.product_events.setup import NOON, SECOND, event

NAMES = [f"p{n}" for n in range(8)]


def story(rng: random.Random, length: int) -> list[CapturedEvent]:
    """Visits, identities, properties and groups of a few people; now and then a retried event."""
    told: list[CapturedEvent] = []
    for _ in range(length):
        if told and rng.random() < 0.2:
            copy = rng.choice(told)
            told.append(msgspec.structs.replace(copy, timestamp=copy.timestamp + 45 * SECOND))
        else:
            told.append(_event(rng))
    return told


def _event(rng: random.Random) -> CapturedEvent:
    who, other = rng.sample(NAMES, 2)
    at = NOON - rng.randrange(90) * 86_400 * SECOND
    kind = rng.randrange(6)
    properties: JsonObject
    match kind:
        case 0:
            return event("$identify", who, at=at, properties={"$anon_distinct_id": other})
        case 1:
            name = rng.choice(["$create_alias", "$merge_dangerously"])
            return event(name, who, at=at, properties={"alias": other})
        case 2:
            properties = {"$set": {rng.choice("ab"): rng.randrange(9)}, "$set_once": {"first": who}}
            return event("visit", who, at=at, properties=properties)
        case 3:
            named = {"$group_type": rng.choice(["team", "company"]), "$group_key": who}
            size = {"size": rng.randrange(9)}
            return event("$groupidentify", who, at=at, properties={**named, "$group_set": size})
        case _:
            properties = {"$groups": {"team": other}, "$process_person_profile": kind == 4}
            return event("visit", who, at=at, properties=properties)


def once_each(events: Iterable[CapturedEvent]) -> list[CapturedEvent]:
    """The first of each uuid, in order."""
    first: dict[UUID, CapturedEvent] = {}
    for one in events:
        first.setdefault(one.uuid, one)
    return list(first.values())


def outcome(events: Sequence[CapturedEvent], team_id: int = 1) -> Changes:
    """What all of them change, followed in one go."""
    identities = Identities(KnownPersons({}, {}))
    for one in once_each(events):
        identities.follow(team_id, one)
    return identities.changes()
