"""What follows from a command on accounts, by what the organization's chain tells already."""

from hypothesis import given
from hypothesis import strategies as st

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
from domain.account.decide import begin, decide
from domain.account.state import Told, fold
from tests.domain.story import Past

KEY = ToldKey(1, ("insight:read",), "Wall")
HERS = ToldKey(2, ("*",), "Hers")
MADE = KeyCreated("k", 1, ("insight:read",), "Wall")
ALL: list[AccountEvent] = [
    MemberAdded(1, 15),
    MADE,
    ProjectCreated(4, "Shop"),
    MemberAdded(2, 1),
    KeyCreated("h", 2, ("*",), "Hers"),
]


def past(*events: AccountEvent) -> Past[AccountCommand, AccountEvent]:
    told = fold(events)
    return Past(lambda command: decide(command, told))


def test_each_command_is_said_by_its_fact() -> None:
    past().when(AddMember(1, 8)).then(MemberAdded(1, 8))
    past().when(CreateKey("k", KEY)).then(MADE)
    past().when(CreateProject(4, "Shop")).then(ProjectCreated(4, "Shop"))
    past(*ALL).when(ChangeRank(2, 8)).then(MemberRankChanged(2, 8, previous=1))
    past(*ALL).when(RemoveMember(2)).then(MemberRemoved(2))
    past(*ALL).when(RevokeKey("k")).then(KeyRevoked("k", 1))
    past(*ALL).when(EraseUser(2)).then(KeyRevoked("h", 2), UserErased(2))


def test_who_joins_brings_the_keys_that_they_have() -> None:
    past().when(AddMember(1, 1, {"k": KEY})).then(MemberAdded(1, 1), MADE)
    rejoined = past(*ALL, MemberRemoved(1))
    rejoined.when(AddMember(1, 1, {"k": KEY})).then(MemberAdded(1, 1), MADE)


def test_a_member_who_is_told_at_another_level_has_changed_rank() -> None:
    past(*ALL).when(AddMember(2, 8)).then(MemberRankChanged(2, 8, previous=1))
    past().when(ChangeRank(2, 8)).then(MemberAdded(2, 8))


def test_what_is_told_is_not_told_again() -> None:
    erased = past(*ALL, KeyRevoked("h", 2), UserErased(2))
    erased.when(EraseUser(2)).then_nothing()
    for command in (
        AddMember(1, 15),
        ChangeRank(1, 15),
        RemoveMember(3),
        CreateKey("k", KEY),
        RevokeKey("other"),
        CreateProject(4, "Shop"),
    ):
        past(*ALL).when(command).then_nothing()


def test_a_key_with_other_scopes_is_told_anew() -> None:
    wider = ToldKey(1, ("*",), "Wall")
    past(*ALL).when(CreateKey("k", wider)).then(KeyCreated("k", 1, ("*",), "Wall"))


def test_who_leaves_takes_their_keys_along() -> None:
    left = fold([*ALL, MemberRemoved(2)])
    assert (left.members, left.keys, left.projects) == ({1: 15}, {"k": KEY}, {4: "Shop"})


def test_a_chain_begins_with_what_there_is() -> None:
    assert begin(Told()) == []
    assert fold(begin(fold(ALL))) == fold(ALL)
    # A key without a member opens nothing here.
    assert begin(Told(keys={"h": HERS})) == []


users = st.integers(1, 3)
ids = st.sampled_from(["a", "b"])
levels = st.sampled_from([1, 8, 15])
keys = st.builds(ToldKey, users, st.sampled_from([("*",), ("insight:read",)]), st.just(""))
commands: st.SearchStrategy[AccountCommand] = st.one_of(
    st.builds(AddMember, users, levels, st.just({})),
    st.builds(ChangeRank, users, levels),
    st.builds(RemoveMember, users),
    st.builds(CreateKey, ids, keys),
    st.builds(RevokeKey, ids),
    st.builds(CreateProject, st.integers(1, 2), st.just("")),
    st.builds(EraseUser, users),
)


@given(st.lists(commands, max_size=12))
def test_a_command_said_twice_is_said_once(asked: list[AccountCommand]) -> None:
    said: list[AccountEvent] = []
    for command in asked:
        said += decide(command, fold(said))
        assert decide(command, fold(said)) == []
