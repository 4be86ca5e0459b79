"""The sentences of facts on what has no versions."""

from pathlib import Path
from uuid import UUID

import pytest
from msgspec import Raw
from msgspec.structs import replace

from contracts.codec import decode_event, stored_name
from contracts.differences.facts import fact_sentences
from contracts.events.access import AccessGranted, AccessRevoked, Grantee
from contracts.events.account import MemberAdded, MemberRankChanged
from contracts.events.audit import (
    ErasureCompleted,
    HoldPlaced,
    KeyRotated,
    erased_entry,
    erased_reads,
)
from contracts.events.bus_consumer import (
    BusConsumerMoved,
    BusConsumerRenamed,
    BusConsumerTypesChanged,
    BusStart,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import AccessTokenRotated, SharePasswordAdded, SharingSettingsChanged
from contracts.events.webhook import (
    WebhookChanged,
    WebhookLaneParked,
    WebhookSecretRotated,
    WebhookSettings,
)

CORPUS = Path(__file__).parents[1] / "corpus"
VERSIONED = ("insight", "dashboard", "action", "cohort", "project", "history")
BOB = Grantee(2, UUID(int=2))
SETTINGS = WebhookSettings(
    host="a.example",
    address_id=1,
    description="",
    types=(),
    insights=None,
    max_in_flight=3,
    signature="v1",
)
MOVED = replace(
    SETTINGS,
    host="b.example",
    address_id=2,
    description="New.",
    types=("insight.created.v1", "sharing.*"),
    insights=(1, 7),
    max_in_flight=1,
    signature="both",
)

SAID: list[tuple[DomainEvent, list[str]]] = [
    (AccessGranted(1, None, "viewer", None), ["Access of everyone is viewer by a rule now."]),
    (AccessGranted(1, BOB, "none", "editor"), ["Access of user 2 is none instead of editor."]),
    (
        AccessRevoked(None, BOB, "editor"),
        ["Access of user 2 to all insights is under no rule any more (was editor)."],
    ),
    (
        SharingSettingsChanged(1, Raw(b'{"noHeader": true, "a": 1}'), Raw(b'{"noHeader": false}')),
        ["`noHeader` is true instead of false.", "`a` is 1."],
    ),
    (SharingSettingsChanged(1, Raw(b"null"), Raw(b'{"a": 1}')), ["`a` removed (was 1)."]),
    (
        AccessTokenRotated(1, token_id=2, previous_token_id=1, grace_seconds=300),
        ["Shared under a new address; the one before works for 300 more seconds."],
    ),
    (SharePasswordAdded(1, 1, "press"), ["A password of the share was added: press."]),
    (SharePasswordAdded(1, 1, None), ["A password of the share was added."]),
    (
        WebhookChanged(MOVED, SETTINGS),
        [
            "Sent to b.example instead of a.example.",
            "Description changed.",
            "Facts of the types insight.created.v1 and sharing.* instead of all.",
            "Facts about insights 1 and 7 instead of everything.",
            "At most 1 are under way at once instead of 3.",
            "Signed by v1 and v1a instead of v1.",
        ],
    ),
    (
        WebhookChanged(replace(SETTINGS, address_id=2), SETTINGS),
        ["Sent to another address of a.example."],
    ),
    (
        WebhookSecretRotated(2, "whpk_", 1, 86_400),
        ["A new secret; the one before signs beside it for 24 hours."],
    ),
    (
        WebhookLaneParked("insight/7", 510, UUID(int=1), 5, "500"),
        ["Nothing more of insight/7 is sent: 510 failed."],
    ),
    (
        erased_entry(1, 510, "insight.renamed.v1", b"", ("name", "previous")),
        ["Erased: `name` and `previous` of entry 510, insight.renamed.v1."],
    ),
    (
        erased_reads(1, ((1, 4), (9, 9))),
        ["Reads 1 to 4 and 9 no longer say who made them."],
    ),
    (ErasureCompleted(1, "logical", {}), ["Erasure 1 is done: nothing shows it any more."]),
    (HoldPlaced(1, "A", (), ()), ['Hold 1 keeps the whole project from erasure: "A".']),
    (
        HoldPlaced(1, "A", (2,), (7, 8)),
        ['Hold 1 keeps users 2 and insights 7 and 8 from erasure: "A".'],
    ),
    (KeyRotated("a", "b", lost=False), ["The log is signed with a new key."]),
    (MemberAdded(2, 8), ["User 2 is administrator now."]),
    (MemberRankChanged(2, 3, 15), ["User 2 is level 3 instead of owner."]),
    (BusConsumerRenamed("B", "A"), ['Renamed from "A" to "B".']),
    (BusConsumerTypesChanged((), ("a",)), ["Facts of the types all instead of a."]),
    (BusConsumerMoved(BusStart(1, 2), BusStart(5, 9)), ["Begins behind 1 instead of 5."]),
]


@pytest.mark.parametrize(
    ("fact", "sentences"),
    SAID,
    ids=[f"{at}-{stored_name(fact)}" for at, (fact, _) in enumerate(SAID)],
)
def test_a_fact_is_told(fact: DomainEvent, sentences: list[str]) -> None:
    assert list(fact_sentences(fact)) == sentences


def test_every_fact_has_a_sentence_unless_rows_are_compared() -> None:
    seen: set[str] = set()
    for sample in sorted(CORPUS.glob("*.json")):
        name = sample.stem
        said = fact_sentences(decode_event(name, sample.read_bytes().strip()))
        seen.add(name.partition(".")[0])
        assert bool(said) is (name.partition(".")[0] not in VERSIONED), name
        assert all(sentence.endswith(".") for sentence in said)
    assert seen >= {"sharing", "access", "webhook", "bus_consumer", "audit", "account", *VERSIONED}
