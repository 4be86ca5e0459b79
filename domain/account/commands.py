"""Commands on an organization's accounts."""

import msgspec


class ToldKey(msgspec.Struct, frozen=True):
    """A personal API key without its secret. scopes: in the order that they were given."""

    user_id: int
    scopes: tuple[str, ...]
    label: str


class AddMember(msgspec.Struct, frozen=True):
    """keys: the live ones that the user has already, by id: they open this organization, too."""

    user_id: int
    level: int
    keys: dict[str, ToldKey] = {}


class ChangeRank(msgspec.Struct, frozen=True):
    user_id: int
    level: int


class RemoveMember(msgspec.Struct, frozen=True):
    user_id: int


class CreateProject(msgspec.Struct, frozen=True):
    team_id: int
    name: str


class CreateKey(msgspec.Struct, frozen=True):
    key_id: str
    key: ToldKey


class RevokeKey(msgspec.Struct, frozen=True):
    key_id: str


class EraseUser(msgspec.Struct, frozen=True):
    """All keys of the user are revoked by then."""

    user_id: int


AccountCommand = (
    AddMember | ChangeRank | RemoveMember | CreateProject | CreateKey | RevokeKey | EraseUser
)
