"""The documents for subscribers: a schema per fact that its samples keep to and that never changes,
and the AsyncAPI document of them.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from contracts.cloud_events import decode_cloud_event, encode_cloud_event
from services.common.http.schema.events import asyncapi, fact_schema
from tests.contracts.test_cloud_events import SOURCE, entry
from tests.e2e.node_packages import installed

CORPUS = Path(__file__).parent / "corpus"
SAMPLES = {file.stem: file.read_bytes().strip() for file in sorted(CORPUS.glob("*.json"))}
WORDS = {"title", "description"}
PARSE = """
import { Parser } from "@asyncapi/parser";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = (await new Parser().parse(text)).diagnostics;
console.log(JSON.stringify(found.filter(each => each.severity === 0)));
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return asyncapi("1")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_keeps_to_its_schema_which_is_the_released_one(name: str, update: bool) -> None:
    """`--update` writes the file of a new fact; a file that is there is never changed."""
    schema = fact_schema(name)
    assert schema is not None
    shape = without_words(json.loads(msgspec.json.encode(schema)))
    released = CORPUS / "schemas" / f"{name}.json"
    if not released.exists() and update:
        released.write_bytes(msgspec.json.encode(shape) + b"\n")
    assert released.exists(), f"{name} is new: pytest --update writes its schema"
    wanted = json.loads(released.read_bytes())
    assert shape == wanted, f"{name} was released: a new version is needed, and an upcast"
    sample = json.loads(SAMPLES[name])
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(sample)
    assert not validator.is_valid({**sample, "unheard_of": 1})
    assert not validator.is_valid({**sample, "type": "another.v1"})


def without_words(schema: Any) -> Any:
    """What is said of a fact may change; its shape may not."""
    match schema:
        case {"properties": dict() as properties}:
            rest = {key: value for key, value in schema.items() if key not in WORDS}
            shapes = {key: without_words(value) for key, value in properties.items()}
            return {**rest, "properties": shapes}
        case dict():
            kept = {key: value for key, value in schema.items() if key not in WORDS}
            return {key: without_words(value) for key, value in kept.items()}
        case list():
            return [without_words(each) for each in schema]
        case _:
            return schema


def test_there_is_no_schema_of_what_is_no_fact() -> None:
    assert fact_schema("insight.renamed.v9") is None


def test_every_fact_is_a_message_on_each_channel(told: dict[str, Any]) -> None:
    assert set(told["components"]["messages"]) == set(SAMPLES)
    assert list(told["channels"]) == ["events", "stream", "webhook", "bus"]
    for channel in told["channels"].values():
        assert set(channel["messages"]) == set(SAMPLES)
    assert told["channels"]["bus"]["address"] == "insights.{project}.{type}"


def test_an_event_keeps_to_the_schema_of_its_message(told: dict[str, Any]) -> None:
    for name, payload in SAMPLES.items():
        line = encode_cloud_event(entry(name, payload), SOURCE)
        assert decode_cloud_event(line).type == name
        schema = {
            **told["components"]["messages"][name]["payload"],
            "components": told["components"],
        }
        validator = jsonschema_rs.validator_for(schema)
        assert validator.is_valid(json.loads(line)), name
        assert not validator.is_valid({**json.loads(line), "data": {}}), name


def test_another_parser_finds_the_document_valid(told: dict[str, Any], tmp_path: Path) -> None:
    node = installed(tmp_path, "@asyncapi/parser@3.6")
    (tmp_path / "parse.mjs").write_text(PARSE)
    ended = subprocess.run(
        [node, "parse.mjs"],
        cwd=tmp_path,
        input=msgspec.json.encode(told),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert json.loads(ended.stdout) == []
