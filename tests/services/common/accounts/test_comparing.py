"""What somebody wrote into the tables of accounts is found by what the chain tells."""

from uuid import UUID

import pytest

from domain.account.commands import ToldKey
from domain.account.state import Told
from services.common.accounts.comparing import AccountDifference, compared

OURS = UUID(int=1)
READS = ToldKey(1, ("insight:read", "query:read"), "Wall")
TOLD = Told(members={1: 15, 2: 1}, keys={"k": READS}, projects={4: "Shop"})


def found(there: Told, told: Told = TOLD) -> list[AccountDifference]:
    return compared(OURS, -1, told, there)


def test_what_is_told_and_there_is_no_difference() -> None:
    assert found(TOLD) == []
    renamed = Told(
        members={2: 1, 1: 15},
        keys={"k": ToldKey(1, ("query:read", "insight:read"), "[erased]")},
        projects={4: "Web shop"},
    )
    assert found(renamed) == []


@pytest.mark.parametrize(
    ("there", "difference"),
    [
        (Told(members={1: 15, 2: 8}), ("member", "2", "1", "8")),
        (Told(members={1: 15, 2: 1, 3: 1}), ("member", "3", None, "1")),
        (Told(keys={"x": READS}), ("key", "x", None, "user 1: insight:read query:read")),
        (
            Told(keys={"k": ToldKey(1, ("*",), "Wall")}),
            ("key", "k", "user 1: insight:read query:read", "user 1: *"),
        ),
        (
            Told(keys={"k": ToldKey(2, ("insight:read",), "Wall")}),
            ("key", "k", "user 1: insight:read query:read", "user 2: insight:read"),
        ),
        (Told(projects={9: "Mine"}), ("project", "9", None, "Mine")),
    ],
)
def test_whatever_gives_more_than_is_told_is_untold(
    there: Told, difference: tuple[str, str, str | None, str | None]
) -> None:
    (untold,) = [each for each in found(there) if each.untold]
    assert (untold.kind, untold.id, untold.told, untold.there) == difference
    assert (untold.organization_id, untold.chain) == (OURS, -1)


@pytest.mark.parametrize(
    "there",
    [
        Told(),
        Told(members={1: 8, 2: 1}, keys={"k": READS}, projects={4: "Shop"}),
        Told(members={1: 15}, keys={"k": ToldKey(1, ("query:read",), "Wall")}),
    ],
)
def test_whatever_gives_less_was_begun_and_never_done(there: Told) -> None:
    differences = found(there)
    assert differences
    assert not any(each.untold for each in differences)


def test_a_key_for_everything_covers_all_scopes() -> None:
    told = Told(keys={"k": ToldKey(1, ("*",), "")})
    (difference,) = found(Told(keys={"k": READS}), told)
    assert not difference.untold
