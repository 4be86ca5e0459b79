"""Entries that continue a log are those that follow it in every respect, and no others."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec import Raw
from msgspec.structs import replace

from contracts.chain import BEGINNING, Entry, chained, commit, envelope_of
from contracts.json import NULL
from services.common.log.continuing import LogEnd, continuation
from services.common.log.judging import DAWN, LogState, judge, prepare
from tests.services.common.log.appends import append, created, insight, renamed, to

SALT = b"s" * 16
EMPTY = LogEnd(position=0, at=DAWN, links={}, versions={})


def entries() -> list[Entry]:
    standing = LogState(0, DAWN, {}, {}, {}, {})
    waiting = [
        prepare(append(to(insight(1), 0, created(), renamed()))),
        prepare(append(to(insight(1, team_id=2), 0, created()))),
        prepare(append(to(insight(1), 2, renamed("Again")))),
    ]
    return judge(waiting, standing, DAWN + timedelta(days=1), lambda: SALT).entries


def hashed(entry: Entry) -> Entry:
    """With the hash that it should have."""
    commitment = commit(entry.salt, bytes(entry.event))
    envelope = envelope_of(entry)
    return replace(entry, commitment=commitment, hash=chained(entry.previous, envelope, commitment))


def test_all_of_them_from_the_beginning_and_from_any_place_on() -> None:
    whole = entries()
    found = continuation(EMPTY, whole)
    assert (list(found.entries), found.reason) == (whole, None)
    assert found.links[1].team_seq == 3
    assert found.links[2].team_seq == 1
    middle = LogEnd(
        position=2,
        at=whole[1].at,
        links={1: replace(BEGINNING, team_seq=2, hash=whole[1].hash)},
        versions={whole[0].stream_id: 2},
    )
    rest = continuation(middle, whole[2:])
    assert (list(rest.entries), rest.reason, rest.links) == (whole[2:], None, found.links)


LAST = "position 4: "


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda entry: replace(entry, position=5), "position 4 is not there"),
        (lambda entry: hashed(replace(entry, version=4)), LAST + "version does not follow"),
        (lambda entry: hashed(replace(entry, at=DAWN)), LAST + "its time does not follow"),
        (lambda entry: replace(entry, event=Raw(b"{}")), LAST + "commitment does not follow"),
        (lambda entry: replace(entry, operation_id=entry.stream_id), LAST + "hash does not follow"),
        (lambda entry: hashed(replace(entry, team_seq=4)), LAST + "team_seq does not follow"),
        (lambda entry: replace(entry, subject="insight/2"), LAST + "its subject is of another"),
        (lambda entry: replace(entry, subject=""), LAST + "its subject is of another stream"),
        (lambda entry: replace(entry, event=NULL), LAST + "its payload was too large for the bus"),
        (lambda entry: replace(entry, salt=b""), LAST + "its payload was erased"),
        (lambda entry: hashed(replace(entry, name="audit.payload_erased.v1")), LAST + "it tells"),
    ],
)  # fmt: skip
def test_up_to_the_first_that_does_not_follow(
    changed: Callable[[Entry], Entry], reason: str
) -> None:
    *first, last = entries()
    found = continuation(EMPTY, [*first, changed(last)])
    assert list(found.entries) == first
    assert found.reason is not None
    assert found.reason.startswith(reason)
    assert found.links[1].team_seq == 2
