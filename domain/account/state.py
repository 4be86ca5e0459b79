"""What an organization's chain tells of its accounts."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

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
from domain.account.commands import ToldKey


class Told(msgspec.Struct):
    """The accounts of an organization, as its chain tells them or as the tables have them.

    members: user -> level. keys: the live ones of its members, by id. projects: by number, with
    the name that each was made with. erased: users whose name and address are gone.
    """

    members: dict[int, int] = {}
    keys: dict[str, ToldKey] = {}
    projects: dict[int, str] = {}
    erased: set[int] = set()


def fold(events: Iterable[AccountEvent]) -> Told:
    """Oldest first."""
    told = Told()
    for event in events:
        _evolve(told, event)
    return told


def _evolve(told: Told, event: AccountEvent) -> None:
    match event:
        case KeyCreated(key_id=key_id, user_id=user_id, scopes=scopes, label=label):
            told.keys[key_id] = ToldKey(user_id, scopes, label)
        case KeyRevoked(key_id=key_id):
            told.keys.pop(key_id, None)
        case (
            MemberAdded(user_id=user_id, level=level)
            | MemberRankChanged(user_id=user_id, level=level)
        ):
            told.members[user_id] = level
        case MemberRemoved(user_id=user_id):
            told.members.pop(user_id, None)
            # They open nothing here now. Whoever comes back has them told again, those still alive.
            told.keys = {id_: key for id_, key in told.keys.items() if key.user_id != user_id}
        case ProjectCreated(team_id=team_id, name=name):
            told.projects[team_id] = name
        case UserErased(user_id=user_id):
            told.erased.add(user_id)
        case _:
            assert_never(event)
