"""What an erasure would take, and what keeps it from it: looked at before anything is written, and
once more before it is done.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.api.erasures import MOST_ENTRIES, SHORTEST_TEXT, WriteErasure
from contracts.events.streams import StreamKind
from contracts.read_models.erasure import HoldRow
from domain.erasure.redaction import Redacted, redacted, without_people
from domain.hold.view import covering
from services.command.audit.holds import holds_of
from services.common.http.problems import Problem, Rejected, invalid, not_found, required
from services.common.log.erasing import ErasedEntry
from services.common.log.searching import (
    FoundEntry,
    UnreadableEntry,
    entries_at,
    entries_like,
    entries_with_people,
    entries_with_text,
)
from services.common.log.store import EventStore
from services.common.postgres.database import Pool
from services.common.postgres.erasures import Kind, Subject

_PERSONS: LiteralString = """
    WITH RECURSIVE named AS (
        SELECT person_id FROM person_distinct_ids
        WHERE team_id = %(team_id)s AND distinct_id = %(distinct_id)s
    ), all_of AS (
        SELECT person_id FROM named
        UNION SELECT o.person_id FROM person_overrides o JOIN named ON o.target_id = named.person_id
            WHERE o.team_id = %(team_id)s
    )
    SELECT array(SELECT person_id FROM all_of ORDER BY 1),
        array(SELECT distinct_id FROM person_distinct_ids
            WHERE team_id = %(team_id)s AND person_id IN (SELECT person_id FROM all_of) ORDER BY 1)
"""
# Whoever may be erased is a member of this organization and of no other.
_MEMBER: LiteralString = """
    SELECT level, (SELECT count(*) FROM organization_members o WHERE o.user_id = m.user_id),
        (SELECT count(*) FROM organization_members o
            WHERE o.organization_id = m.organization_id AND o.level = 15),
        array(SELECT id FROM projects p WHERE p.organization_id = m.organization_id ORDER BY id)
    FROM organization_members m JOIN projects own ON own.id = %(team_id)s
    WHERE m.organization_id = own.organization_id AND m.user_id = %(user_id)s"""
_URLS: LiteralString = """
    SELECT DISTINCT webhook_id FROM webhook_secrets
    WHERE team_id = %s AND url IS NOT NULL AND strpos(lower(url), %s) > 0"""
_NAMED: LiteralString = """
    SELECT strpos(lower(name), %(text)s) > 0
        OR strpos(lower(test_account_filters::text), %(text)s) > 0
    FROM projects WHERE id = %(team_id)s"""

_OF_INSIGHTS = (StreamKind.INSIGHT, StreamKind.SHARING, StreamKind.SHARE_LOGIN, StreamKind.ACCESS)
_OWNER = 15


class Look(msgspec.Struct, frozen=True):
    """erased: the entries with what would be left of them, in order."""

    kind: Kind
    subject: Subject
    erased: Sequence[ErasedEntry]


class Looking:
    def __init__(self, store: EventStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def look(self, team_id: int, sent: WriteErasure) -> Look:
        """Raises Rejected: 400 naming the field; 404; 409 held, also_in, in_use, unreadable."""
        kind = asked_for(sent)
        try:
            look = await self._find(team_id, kind, sent)
        except UnreadableEntry as cause:
            raise _conflict(
                "unreadable",
                f"Entry {cause.sequence} is of a newer version: what it holds can't be told.",
            ) from cause
        hold = await self.held_by(team_id, look)
        if hold is not None:
            raise _conflict("held", f"Hold {hold.hold_id} keeps it.", hold_id=hold.hold_id)
        return look

    async def again(self, team_id: int, kind: Kind, subject: Subject) -> Sequence[ErasedEntry]:
        """What is still to be erased in the log. Raises UnreadableEntry."""
        if kind == "entries":
            return _whole(await entries_at(self._pool, team_id, subject.entries))
        if subject.text is not None:
            return _whole(await entries_with_text(self._pool, team_id, subject.text))
        return await self._with_people(team_id, subject.person_ids)

    async def held_by(self, team_id: int, look: Look) -> HoldRow | None:
        """A hold of the project; of a user, of any project of the organization."""
        teams = [team_id]
        if look.subject.user is not None:
            member = await self._member(team_id, look.subject.user)
            teams = [] if member is None else member.team_ids
        for each in teams:
            holds = await holds_of(self._store, self._pool, each)
            users = (look.subject.user, *(one.entry.user_id for one in look.erased))
            insights = {number for one in look.erased for number in _insights(one.entry)}
            hold = covering(holds, {user for user in users if user is not None}, insights)
            if hold is not None:
                return hold
        return None

    async def _find(self, team_id: int, kind: Kind, sent: WriteErasure) -> Look:
        match kind:
            case "entries":
                return await self._entries(team_id, sent)
            case "text":
                return await self._text(team_id, sent)
            case "user":
                return await self._user(team_id, sent)
            case "person":
                return await self._person(team_id, sent)

    async def _entries(self, team_id: int, sent: WriteErasure) -> Look:
        asked = tuple(dict.fromkeys(sent.entries or ()))
        if not asked or len(asked) > MOST_ENTRIES or min(asked) < 1:
            raise invalid("entries", "invalid_input", f"One to {MOST_ENTRIES} sequences.")
        found = await entries_at(self._pool, team_id, [each for each in asked if each < 2**63])
        missing = set(asked) - {entry.sequence for entry in found}
        if missing:
            raise not_found(f"There is no entry {min(missing)}.")
        erased = _whole(found)
        if not erased:
            raise invalid("entries", "invalid_input", "They have nothing that could be erased.")
        if not sent.only:
            others = await entries_like(self._pool, team_id, found)
            if others:
                also = [entry.sequence for entry in others]
                raise _conflict(
                    "also_in", "Other entries say the same; `only` leaves them.", also_in=also
                )
        return Look("entries", Subject(entries=asked), erased)

    async def _text(self, team_id: int, sent: WriteErasure) -> Look:
        text = sent.text or ""
        if len(text.strip()) < SHORTEST_TEXT:
            raise invalid("text", "min_length", f"At least {SHORTEST_TEXT} characters.")
        async with self._pool.connection() as conn:
            cursor = await conn.execute(_URLS, (team_id, text.lower()))
            urls = sorted(number for (number,) in await cursor.fetchall())
            named = await conn.execute(_NAMED, {"team_id": team_id, "text": text.lower()})
            (is_named,) = await named.fetchone() or (False,)
        if urls:
            which = ", ".join(f"wh_{number}" for number in urls)
            raise _conflict("in_use", f"It is in the URL of {which}: change that first.")
        erased = _whole(await entries_with_text(self._pool, team_id, text))
        if not erased and not is_named:
            raise not_found("No entry has it.")
        return Look("text", Subject(text=text), erased)

    async def _user(self, team_id: int, sent: WriteErasure) -> Look:
        user_id = sent.user or 0
        member = await self._member(team_id, user_id)
        if member is None:
            raise not_found("No such user in the organization.")
        if member.organizations > 1:
            raise _conflict("member_elsewhere", "A member of another organization, too.")
        if member.level >= _OWNER and member.owners < 2:
            raise _conflict("last_owner", "The only owner of the organization.")
        return Look("user", Subject(user=user_id), ())

    async def _person(self, team_id: int, sent: WriteErasure) -> Look:
        person = sent.person or ""
        async with self._pool.connection() as conn:
            asked = {"team_id": team_id, "distinct_id": person}
            row = await (await conn.execute(_PERSONS, asked)).fetchone()
        person_ids, distinct_ids = row or ([], [])
        if not person_ids:
            raise not_found("No such person.")
        subject = Subject(
            person=person, person_ids=tuple(person_ids), distinct_ids=tuple(distinct_ids)
        )
        return Look("person", subject, await self._with_people(team_id, subject.person_ids))

    async def _with_people(self, team_id: int, person_ids: Sequence[UUID]) -> Sequence[ErasedEntry]:
        people = frozenset(person_ids)
        found = await entries_with_people(self._pool, team_id, person_ids)
        return [ErasedEntry(each, without_people(each.event, people)) for each in found]

    async def _member(self, team_id: int, user_id: int) -> "_Member | None":
        async with self._pool.connection() as conn:
            asked = {"team_id": team_id, "user_id": user_id}
            row = await (await conn.execute(_MEMBER, asked)).fetchone()
        return None if row is None else _Member(*row)


class _Member(msgspec.Struct, frozen=True):
    """organizations, owners: how many. team_ids: of all projects of this organization."""

    level: int
    organizations: int
    owners: int
    team_ids: list[int]


def asked_for(sent: WriteErasure) -> Kind:
    """Raises Rejected 400 unless it is one of the four."""
    kinds: tuple[Kind, ...] = ("entries", "text", "user", "person")
    given = [kind for kind in kinds if getattr(sent, kind) is not msgspec.UNSET]
    if not given:
        raise required("entries")
    if len(given) > 1:
        raise invalid(given[1], "invalid_input", "One of entries, text, user and person.")
    return given[0]


def _whole(found: Sequence[FoundEntry]) -> list[ErasedEntry]:
    """Those that have anything to lose, with what is left."""
    left: list[tuple[FoundEntry, Redacted]] = [(each, redacted(each.event)) for each in found]
    return [ErasedEntry(entry, what) for entry, what in left if what.fields]


def _insights(entry: FoundEntry) -> tuple[int, ...]:
    kind, _, number = entry.subject.partition("/")
    return (int(number),) if kind in _OF_INSIGHTS else ()


def _conflict(code: str, detail: str, **more: object) -> Rejected:
    problem = Problem(type="invalid_request", code=code, detail=detail)
    return Rejected(409, problem, more=more)
