"""Decides a command on an organization's accounts: the facts that say it."""

from typing import assert_never

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
from domain.account.commands import (
    AccountCommand,
    AddMember,
    ChangeRank,
    CreateKey,
    CreateProject,
    EraseUser,
    RemoveMember,
    RevokeKey,
    ToldKey,
)
from domain.account.state import Told


def decide(command: AccountCommand, told: Told) -> list[AccountEvent]:
    """Facts that follow; none when the chain tells it already, so that whoever was stopped between
    saying and doing does it all again.
    """
    match command:
        case AddMember(user_id=user_id, level=level, keys=keys):
            return _ranked(told, user_id, level, keys)
        case ChangeRank(user_id=user_id, level=level):
            return _ranked(told, user_id, level, {})
        case RemoveMember(user_id=user_id):
            return [MemberRemoved(user_id)] if user_id in told.members else []
        case CreateProject(team_id=team_id, name=name):
            return [] if team_id in told.projects else [ProjectCreated(team_id, name)]
        case CreateKey(key_id=key_id, key=key):
            return [] if told.keys.get(key_id) == key else [_made(key_id, key)]
        case RevokeKey(key_id=key_id):
            live = told.keys.get(key_id)
            return [] if live is None else [KeyRevoked(key_id, live.user_id)]
        case EraseUser(user_id=user_id):
            revoked: list[AccountEvent] = [
                KeyRevoked(key_id, user_id)
                for key_id, key in told.keys.items()
                if key.user_id == user_id
            ]
            return revoked + ([] if user_id in told.erased else [UserErased(user_id)])
        case _:
            assert_never(command)


def _ranked(told: Told, user_id: int, level: int, keys: dict[str, ToldKey]) -> list[AccountEvent]:
    previous = told.members.get(user_id)
    if previous is None:
        return joined(user_id, level, keys)
    return [] if previous == level else [MemberRankChanged(user_id, level, previous)]


def begin(there: Told) -> list[AccountEvent]:
    """The first facts of a chain: what the tables have had before there was one."""
    facts: list[AccountEvent] = []
    for user_id, level in there.members.items():
        keys = {id_: key for id_, key in there.keys.items() if key.user_id == user_id}
        facts += joined(user_id, level, keys)
    facts += [ProjectCreated(team_id, name) for team_id, name in there.projects.items()]
    return facts


def joined(user_id: int, level: int, keys: dict[str, ToldKey]) -> list[AccountEvent]:
    return [MemberAdded(user_id, level), *(_made(key_id, key) for key_id, key in keys.items())]


def _made(key_id: str, key: ToldKey) -> KeyCreated:
    return KeyCreated(key_id, key.user_id, key.scopes, key.label)
