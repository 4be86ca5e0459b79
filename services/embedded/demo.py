"""The demo data set: some weeks of a small project-planning product, the same for everyone.

Deterministic: one seed, and times that count back from the moment of the first start. What there is
to see: most visitors leave, phones convert worse than desks, invitations from colleagues convert
best, weekends are quiet, and a shorter sign-up form, released three weeks ago, shows.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

PERSONS = 4_000
WEEKS = 6

VISITED = "$pageview"
FORM_OPENED = "signup form opened"
SIGNED_UP = "signed up"
PROJECT_CREATED = "project created"
TEAMMATE_INVITED = "teammate invited"
SUBSCRIBED = "subscription started"

_NAMES = UUID("0d9f2a8e-7c1b-5e64-9a53-3f0b6c2d8e71")
_SEED = 20260301
_SHORTER_FORM = timedelta(weeks=3)


class DemoEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One product event, as a capture door takes it. uuid: the same in every run."""

    uuid: UUID
    event: str
    distinct_id: str
    timestamp: datetime
    properties: dict[str, Any]


class _Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor, the way here and the device. haste: 1.0 is usual; more takes less time between
    steps.
    """

    number: int
    arrived_at: datetime
    browser: str
    os: str
    device: str
    source: str
    country: str
    haste: float

    @property
    def is_on_a_phone(self) -> bool:
        return self.device == "Mobile"


_DEVICES = (
    (("Chrome", "Windows", "Desktop"), 30),
    (("Chrome", "Mac OS X", "Desktop"), 18),
    (("Safari", "Mac OS X", "Desktop"), 10),
    (("Firefox", "Linux", "Desktop"), 7),
    (("Mobile Safari", "iOS", "Mobile"), 20),
    (("Chrome", "Android", "Mobile"), 15),
)
_SOURCES = (("google", 42), ("direct", 26), ("newsletter", 12), ("invitation", 9), ("podcast", 11))
_COUNTRIES = (("US", 34), ("DE", 18), ("GB", 14), ("FR", 10), ("BR", 9), ("IN", 9), ("JP", 6))
_PLANS = (("team", 29, 60), ("business", 99, 28), ("enterprise", 499, 12))

# Hours of the day by how many people come, 0 to 23 UTC.
_HOURS = (2, 1, 1, 1, 2, 3, 5, 8, 11, 13, 14, 13, 12, 13, 14, 14, 13, 11, 9, 8, 7, 6, 4, 3)
_WEEKDAYS = (11, 12, 12, 11, 9, 4, 4)  # Monday first


def events(until: datetime, persons: int = PERSONS) -> Iterator[DemoEvent]:
    """Everything these people did before `until` (UTC), person by person, each in order of time."""
    chance = random.Random(_SEED)  # noqa: S311 - repeatable on purpose, no secret
    for number in range(persons):
        visitor = _visitor(chance, number, until)
        # A random source for each: a visitor cut off by `until` changes no other visitor's story.
        story = list(_story(random.Random(_SEED + number), visitor, until))  # noqa: S311
        for index, event in enumerate(story):
            if event.timestamp < until:
                yield msgspec.structs.replace(event, uuid=uuid5(_NAMES, f"{number}.{index}"))


def _visitor(chance: random.Random, number: int, until: datetime) -> _Visitor:
    browser, os, device = _pick(chance, _DEVICES)
    return _Visitor(
        number=number,
        arrived_at=_arrival(chance, until),
        browser=browser,
        os=os,
        device=device,
        source=_pick(chance, _SOURCES),
        country=_pick(chance, _COUNTRIES),
        haste=chance.lognormvariate(0, 0.5),
    )


def _arrival(chance: random.Random, until: datetime) -> datetime:
    days = [until - timedelta(days=back) for back in range(WEEKS * 7)]
    day = chance.choices(days, [_WEEKDAYS[day.weekday()] for day in days])[0]
    hour = chance.choices(range(24), _HOURS)[0]
    seconds = chance.randrange(3600)
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        hours=hour, seconds=seconds
    )


def _story(chance: random.Random, visitor: _Visitor, until: datetime) -> Iterator[DemoEvent]:
    """One person's events; where a step is not taken, the story ends."""
    at = visitor.arrived_at
    anonymous = f"visitor-{visitor.number:04}"
    user = f"user-{visitor.number:04}@example.com"
    for page in _pages(chance):
        yield _event(
            visitor, VISITED, anonymous, at, {"$current_url": f"https://plan.example{page}"}
        )
        at += _after(chance, visitor, minutes=1.5)
    if chance.random() > (0.62 if visitor.source == "invitation" else 0.40):
        return
    yield _event(
        visitor, FORM_OPENED, anonymous, at, {"$current_url": "https://plan.example/signup"}
    )
    at += _after(chance, visitor, minutes=3)
    if chance.random() > _signs_up(visitor, at, until):
        return
    # From here on the person is known by address; the anonymous past belongs to the same person.
    yield _event(visitor, "$identify", user, at, {"$anon_distinct_id": anonymous})
    email = {"email": user, "signup_source": visitor.source}
    yield _event(visitor, SIGNED_UP, user, at, {"method": _method(chance), "$set": email})
    at += _after(chance, visitor, minutes=40)
    if chance.random() > 0.71:
        return
    template = chance.choice(("blank", "kanban", "roadmap", "retrospective"))
    yield _event(visitor, PROJECT_CREATED, user, at, {"template": template})
    at += _after(chance, visitor, minutes=26 * 60)
    if chance.random() > 0.48:
        return
    invited = chance.choices((1, 2, 3, 5, 8), (40, 25, 18, 11, 6))[0]
    yield _event(visitor, TEAMMATE_INVITED, user, at, {"invited": invited})
    at += _after(chance, visitor, minutes=4 * 24 * 60)
    if chance.random() > 0.30 + 0.04 * invited:
        return
    plan, price, _ = chance.choices(_PLANS, [share for _, _, share in _PLANS])[0]
    bill = {"plan": plan, "seats": invited + 1, "amount": price * (invited + 1)}
    yield _event(visitor, SUBSCRIBED, user, at, {**bill, "$set": {"plan": plan}})


def _signs_up(visitor: _Visitor, at: datetime, until: datetime) -> float:
    probability = 0.52 if visitor.is_on_a_phone else 0.68
    return probability + (0.14 if at > until - _SHORTER_FORM else 0.0)


def _pages(chance: random.Random) -> list[str]:
    return [
        "/",
        *chance.sample(("/features", "/pricing", "/customers", "/blog"), chance.randint(0, 3)),
    ]


def _method(chance: random.Random) -> str:
    return chance.choices(("password", "google", "github"), (50, 35, 15))[0]


def _after(chance: random.Random, visitor: _Visitor, minutes: float) -> timedelta:
    """Around `minutes`, with the long tail that people have."""
    return timedelta(minutes=minutes * chance.lognormvariate(0, 0.8) / visitor.haste)


def _event(
    visitor: _Visitor, name: str, distinct_id: str, at: datetime, properties: dict[str, Any]
) -> DemoEvent:
    about = {
        "$browser": visitor.browser,
        "$os": visitor.os,
        "$device_type": visitor.device,
        "$geoip_country_code": visitor.country,
        "utm_source": visitor.source,
    }
    return DemoEvent(
        uuid=_NAMES,
        event=name,
        distinct_id=distinct_id,
        timestamp=at,
        properties={**about, **properties},
    )


def _pick(chance: random.Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    return chance.choices([what for what, _ in weighted], [weight for _, weight in weighted])[0]
