"""Every fact ever released, one file per stored name: each must be read for ever.

A new fact gets a file of its own, with a value in every field; a file is never changed.
"""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from contracts.codec import decode_event, encode_event, stored_name
from contracts.events.recorded import DomainEvent
from contracts.subjects import fact_subject

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_was_released_is_read_and_written_as_it_was(file: Path) -> None:
    payload = file.read_bytes().strip()
    event = decode_event(file.stem, payload)
    assert stored_name(event) == file.stem
    assert encode_event(event) == payload


def test_every_fact_has_its_sample() -> None:
    names = {str(kind.__struct_config__.tag) for kind in get_args(DomainEvent)}
    assert names <= {file.stem for file in FILES}


def test_every_field_of_a_sample_says_something() -> None:
    """A sample of defaults would not notice a field that is lost."""
    for file in FILES:
        event = decode_event(file.stem, file.read_bytes())
        for field in msgspec.structs.fields(event):
            if not field.required:
                assert getattr(event, field.name) != field.default, (file.stem, field.name)


@pytest.mark.parametrize("kind", get_args(DomainEvent))
def test_stored_names_are_aggregate_dot_what_happened_dot_version(kind: type) -> None:
    name = str(kind.__struct_config__.tag)  # type: ignore[attr-defined]  # every fact is a Struct
    aggregate, happened, version = name.split(".")
    assert aggregate.islower()
    assert happened.replace("_", "").isalnum()
    assert version.removeprefix("v").isdigit()
    assert fact_subject(1, name) == f"insights.1.{name}"
