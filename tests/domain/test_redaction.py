"""What an erasure leaves of each fact: decided by the types of its fields, for all of them."""

from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw

from contracts.codec import decode_event, encode_event, stored_name
from contracts.events.cohort import CohortPeopleAdded
from contracts.events.insight import InsightQueryChanged, InsightRenamed
from contracts.events.recorded import DomainEvent
from contracts.events.webhook import WebhookChanged, WebhookSettings
from domain.erasure.redaction import KEPT, contents, people, redacted, without_people
from tests.contracts.test_corpus import FILES

SAMPLES = [decode_event(file.stem, file.read_bytes()) for file in FILES]
IDS = [file.stem for file in FILES]
ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("fact", SAMPLES, ids=IDS)
def test_what_is_left_is_the_same_fact_without_a_word_of_it(fact: DomainEvent) -> None:
    left = redacted(fact).event
    assert stored_name(left) == stored_name(fact)
    assert decode_event(stored_name(left), encode_event(left)) == left
    payload = encode_event(left)
    for _, said in contents(fact):
        assert said not in payload
    assert not list(contents(left))
    assert not people(left)
    assert redacted(left).fields == ()


@pytest.mark.parametrize("fact", SAMPLES, ids=IDS)
def test_numbers_times_and_levels_stay(fact: DomainEvent) -> None:
    assert _numbers(redacted(fact).event) == _numbers(fact)


@pytest.mark.parametrize("fact", SAMPLES, ids=IDS)
def test_the_fields_that_lost_something_are_named(fact: DomainEvent) -> None:
    named = {*(field for field, _ in contents(fact))}
    assert named <= set(redacted(fact).fields)


def test_every_exception_is_one_that_there_is() -> None:
    known = {
        (struct.__name__, field)
        for kind in get_args(DomainEvent)
        for struct in (kind, WebhookSettings)
        for field in struct.__struct_fields__
    }
    assert known >= KEPT


def test_a_type_that_no_rule_knows_is_found() -> None:
    class NewFact(msgspec.Struct, frozen=True, tag="new.fact.v1"):
        words: dict[str, str]

    with pytest.raises(TypeError, match=r"NewFact\.words"):
        redacted(NewFact({}))  # type: ignore[arg-type]  # no fact yet


def test_texts_are_null_or_a_word_and_documents_are_empty() -> None:
    assert redacted(InsightRenamed("A", None)).event == InsightRenamed(None, None)
    assert redacted(InsightRenamed("A", None)).fields == ("name",)
    query = InsightQueryChanged(Raw(b'{"kind":"A"}'), Raw(b"null"))
    assert redacted(query).event == InsightQueryChanged(Raw(b"null"), Raw(b"null"))
    settings = WebhookSettings(
        host="ada.example", address_id=4, description="A", types=("insight.*",),
        insights=(7,), max_in_flight=8, signature="v1",
    )  # fmt: skip
    left = redacted(WebhookChanged(settings, settings))
    assert left.fields == (
        *("settings.host", "settings.description"),
        *("previous.host", "previous.description"),
    )
    gone = msgspec.structs.replace(settings, host="[erased]", description="[erased]")
    assert left.event == WebhookChanged(gone, gone)


def test_of_one_person_only_that_person_goes() -> None:
    fact = CohortPeopleAdded((ADA, BOB))
    assert without_people(fact, frozenset({ADA})).event == CohortPeopleAdded((BOB,))
    assert without_people(fact, frozenset({ADA})).fields == ("person_ids",)
    assert without_people(fact, frozenset({UUID(int=3)})).fields == ()
    assert people(fact) == {ADA, BOB}
    assert redacted(fact).event == CohortPeopleAdded(())


def _numbers(value: Any) -> Any:
    """The fact without its texts, documents and lists of texts."""
    if isinstance(value, msgspec.Struct):
        return {name: _numbers(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, str | Raw | None) or (
        isinstance(value, tuple) and (not value or isinstance(value[0], str | UUID))
    ):
        return None
    return value
