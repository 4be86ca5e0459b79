"""Facts of an organization's accounts: its keys, members, projects and users.

They stand in a chain of the organization's own. Each is said before it is done, so one may stand
here for something that a crash kept from being done. People are named by their numbers alone.
"""

from contracts.events.fact import Fact


class KeyCreated(Fact, frozen=True, tag="account.key_created.v1"):
    """A personal API key. scopes: `insight:read` and the like; `*` for all."""

    key_id: str
    user_id: int
    scopes: tuple[str, ...]
    label: str


class KeyRevoked(Fact, frozen=True, tag="account.key_revoked.v1"):
    """user_id: whose key it was."""

    key_id: str
    user_id: int


class MemberAdded(Fact, frozen=True, tag="account.member_added.v1"):
    """level: 1 member, 8 administrator, 15 owner."""

    user_id: int
    level: int


class MemberRankChanged(Fact, frozen=True, tag="account.member_rank_changed.v1"):
    user_id: int
    level: int
    previous: int


class MemberRemoved(Fact, frozen=True, tag="account.member_removed.v1"):
    user_id: int


class ProjectCreated(Fact, frozen=True, tag="account.project_created.v1"):
    """team_id: the project's number."""

    team_id: int
    name: str


class UserErased(Fact, frozen=True, tag="account.user_erased.v1"):
    """The number stays; name, address and distinct id are gone."""

    user_id: int


AccountEvent = (
    KeyCreated
    | KeyRevoked
    | MemberAdded
    | MemberRankChanged
    | MemberRemoved
    | ProjectCreated
    | UserErased
)
"""Facts: what happened, in the past tense, under a stored name that never changes."""
