"""Sentences for facts about accounts, and for those that auditors are told."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from contracts.differences.words import all_of, count, plain, quoted
from contracts.events.account import (
    AccountEvent,
    KeyCreated,
    KeyRevoked,
    MemberAdded,
    MemberRankChanged,
    MemberRemoved,
    ProjectCreated,
    UserErased,
)
from contracts.events.audit import (
    AuditEvent,
    ErasureCompleted,
    ErasureRequested,
    HoldLifted,
    HoldPlaced,
    KeyRotated,
    LogVoided,
    PayloadErased,
    ReadsExpired,
    ReadsSealed,
    RowHealed,
)

_RANKS: Mapping[int, str] = {1: "member", 8: "administrator", 15: "owner"}


def audit_sentence(fact: AuditEvent) -> str:
    match fact:
        case ReadsSealed(first=first, last=last):
            return f"{_reads([(first, last)])} were sealed."
        case ReadsExpired(through=through, count=number):
            return f"{count(number, 'read')} up to number {through} went with time."
        case ErasureRequested(erasure_id=number, reason=reason):
            return f"Erasure {number} was asked for: {quoted(reason)}."
        case PayloadErased(sequence=None, reads=reads):
            return f"{_reads(reads)} no longer say who made them."
        case PayloadErased(sequence=sequence, erased_type=name, fields=fields):
            of = f"{all_of([f'`{each}`' for each in fields])} of " if fields else ""
            return f"Erased: {of}entry {sequence}, {plain(name or '')}."
        case ErasureCompleted(erasure_id=number, state="physical"):
            return f"Erasure {number} is done, also on the disk."
        case ErasureCompleted(erasure_id=number):
            return f"Erasure {number} is done: nothing shows it any more."
        case HoldPlaced(hold_id=number, reason=reason):
            return f"Hold {number} keeps {_held(fact)} from erasure: {quoted(reason)}."
        case HoldLifted(hold_id=number):
            return f"Hold {number} was lifted."
        case KeyRotated(lost=True):
            return "The log is signed with a new key; the one before is lost."
        case KeyRotated():
            return "The log is signed with a new key."
        case LogVoided(first=first, last=last):
            return f"Positions {first} to {last} were lost in a failover, and count no more."
        case RowHealed(projection=projection):
            return f"A row of {plain(projection)} was not as the facts say, and is again."
        case _:
            assert_never(fact)


def account_sentence(fact: AccountEvent) -> str:
    match fact:
        case KeyCreated(user_id=user_id, label=label, scopes=scopes):
            opens = all_of([f"`{each}`" for each in scopes]) or "nothing"
            return f"A key was made for user {user_id}, {quoted(label)}, that opens {opens}."
        case KeyRevoked(user_id=user_id):
            return f"A key of user {user_id} was revoked."
        case MemberAdded(user_id=user_id, level=level):
            return f"User {user_id} is {_rank(level)} now."
        case MemberRankChanged(user_id=user_id, level=level, previous=previous):
            return f"User {user_id} is {_rank(level)} instead of {_rank(previous)}."
        case MemberRemoved(user_id=user_id):
            return f"User {user_id} is no member any more."
        case ProjectCreated(team_id=team_id, name=name):
            return f"Project {team_id} was made, {quoted(name)}."
        case UserErased(user_id=user_id):
            return f"The name and the address of user {user_id} were erased."
        case _:
            assert_never(fact)


def _reads(spans: Sequence[tuple[int, int]]) -> str:
    each = [str(first) if first == last else f"{first} to {last}" for first, last in spans]
    return f"Reads {all_of(each)}"


def _held(hold: HoldPlaced) -> str:
    parts = [
        f"{what} {all_of([str(each) for each in numbers])}"
        for what, numbers in (("users", hold.users), ("insights", hold.insights))
        if numbers
    ]
    return all_of(parts) or "the whole project"


def _rank(level: int) -> str:
    return _RANKS.get(level, f"level {level}")
