"""Which facts a filter lets through, over every fact there is."""

from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import Entry
from contracts.fact_filters import (
    EVERYTHING,
    STORED_NAMES,
    FactFilter,
    TypeFilter,
    UnknownSubject,
    UnknownType,
    insight_of,
    parse_subjects,
    parse_types,
)
from tests.contracts.test_chain import entry

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


def named(name: str, subject: str = "insight/1", payload: bytes = b"{}") -> Entry:
    return replace(entry(), name=name, subject=subject, event=Raw(payload))


def test_every_released_name_can_be_asked_for() -> None:
    assert {file.stem for file in CORPUS} <= set(STORED_NAMES)


@pytest.mark.parametrize("sent", ["", "*", ",", [], ["*"], "insight.renamed.v1,*"])
def test_nothing_named_means_all(sent: str | list[str]) -> None:
    assert parse_types(sent) == TypeFilter()
    assert FactFilter(parse_types(sent)).everything


def test_names_and_prefixes_choose() -> None:
    types = parse_types("sharing.*, insight.renamed.v1")
    assert types == parse_types(["insight.renamed.v1", "sharing.*"])
    chosen = {file.stem for file in CORPUS if types.matches(file.stem)}
    assert chosen == {"insight.renamed.v1"} | {
        file.stem for file in CORPUS if file.stem.startswith("sharing.")
    }
    assert not types.matches("sharing_of_another_kind.v1")


@pytest.mark.parametrize(
    "sent", ["insight", "insight.", "insigth.*", "ins*", "insight.renamed", "."]
)
def test_a_type_that_nothing_has_is_refused(sent: str) -> None:
    with pytest.raises(UnknownType):
        parse_types(sent)


def test_subjects_are_things_by_kind_and_number() -> None:
    subjects = parse_subjects("insight/1, dashboard/2")
    assert subjects == {"insight/1", "dashboard/2"}
    assert FactFilter(subjects=subjects).matches(named("insight.renamed.v1"))
    assert not FactFilter(subjects=subjects).matches(named("insight.renamed.v1", "insight/12"))
    for wrong in ("insight", "insight/x", "thing/1", "insight/1/2", "insight/"):
        with pytest.raises(UnknownSubject):
            parse_subjects(wrong)


@pytest.mark.parametrize(
    ("name", "subject", "payload", "about"),
    [
        ("insight.renamed.v1", "insight/7", b"{}", 7),
        ("sharing.enabled.v1", "sharing/7", b"{}", 7),
        ("access.granted.v1", "access/7", b"{}", 7),
        ("access.granted.v1", "access/0", b"{}", None),
        ("viewing.share_login_failed.v1", "share_login/7", b"{}", 7),
        ("viewing.insight_viewed.v1", "viewing/3", b'{"insight_id":7,"user_id":3}', 7),
        ("dashboard.tile_added.v1", "dashboard/3", b'{"insight_id":7}', None),
        ("project.renamed.v1", "project/0", b"{}", None),
    ],
)
def test_a_fact_is_about_its_insight(
    name: str, subject: str, payload: bytes, about: int | None
) -> None:
    told = named(name, subject, payload)
    assert insight_of(told) == about
    assert FactFilter(insight=7).matches(told) == (about == 7)


def test_all_that_is_asked_for_must_match() -> None:
    both = FactFilter(types=parse_types("insight.*"), insight=1)
    assert both.matches(named("insight.renamed.v1"))
    assert not both.matches(named("insight.renamed.v1", "insight/2"))
    assert not both.matches(named("sharing.enabled.v1", "sharing/1"))
    assert EVERYTHING.matches(named("sharing.enabled.v1", "sharing/1"))
