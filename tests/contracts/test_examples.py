"""Every example of the OpenAPI document, tried out on a server with the demo data."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from services.common.http.schema.examples import (
    ERASED_TEXT,
    EXAMPLES,
    OPERATION,
    PASSWORD,
    PROJECT_TOKEN,
)
from tests import servers
from tests.embedded.recount_process import serving

Operation = dict[str, Any]


class Tried(msgspec.Struct, frozen=True):
    """A running server with the demo data, its document, and who asks. token: of the project."""

    client: httpx.Client
    document: dict[str, Any]
    token: str

    def operations(self) -> Iterator[tuple[str, str, Operation]]:
        """Those that take a body."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if "requestBody" in operation:
                    yield method, path, operation

    def examples(self, operation: Operation) -> dict[str, Any]:
        content = operation["requestBody"]["content"]["application/json"]
        examples: dict[str, Any] = content["examples"]
        return examples


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    # Nothing is sent to the address of an example.
    settings = {"RECOUNT_EMBEDDED_WEBHOOKS": "false"}
    with (
        servers.server_folder() as folder,
        serving(folder / "data", settings=settings) as served,
    ):
        key = re.search(r"API key\s+(\S+)", served.printed)
        token = re.search(r"phc_[\w-]+", served.printed)
        assert key is not None
        assert token is not None
        headers = {"Authorization": f"Bearer {key[1]}"}
        with httpx.Client(base_url=served.url, headers=headers, timeout=60) as client:
            yield Tried(client, client.get("/api/schema/").json(), token[0])


def test_every_body_has_an_example_and_every_example_a_body(tried: Tried) -> None:
    shown = []
    for method, path, operation in tried.operations():
        examples = tried.examples(operation)
        assert examples, (method, path)
        shown += [example["value"] for example in examples.values()]
    assert all(example in shown for examples in EXAMPLES.values() for example in examples.values())


def test_every_example_is_answered_with_a_success(tried: Tried) -> None:
    places = _made(tried)
    answered = 0
    for method, path, operation in _in_order(tried):
        for example in tried.examples(operation).values():
            text = msgspec.json.encode(example["value"]).decode()
            text = text.replace(PROJECT_TOKEN, tried.token)
            text = text.replace(OPERATION, places["operation"])
            answer = tried.client.request(
                method,
                _filled(path, operation, places),
                content=text,
                headers={"Content-Type": "application/json", **_headers(tried, operation)},
            )
            if operation["operationId"] == "create_webhook" and answer.status_code == 400:
                # Without a network the name of the example leads nowhere.
                assert answer.json()["code"] == "forbidden_address"
            else:
                assert answer.status_code in (200, 201, 202, 303), (method, path, text, answer.text)
            answered += 1
    assert answered == sum(len(tried.examples(each)) for _, _, each in tried.operations()) > 35


def test_the_examples_of_funnels_count_people_of_the_demo(tried: Tried) -> None:
    funnel = EXAMPLES["post_funnel"]["People who signed up"]
    answer = tried.client.post("/api/projects/@current/insights/funnel/", json=funnel)
    counts = [step["count"] for step in answer.json()["result"]]
    assert len(counts) == 3
    assert counts[-1] > 100
    people = EXAMPLES["post_people"]["Those who signed up"]
    answer = tried.client.post("/api/projects/@current/persons/funnel/", json=people)
    assert answer.json()["results"][0]["count"] == 100
    explained = EXAMPLES["post_explanation"]["One visitor"]
    answer = tried.client.post("/api/projects/@current/persons/funnel/explain/", json=explained)
    assert answer.json()["events"] > 0


def _made(tried: Tried) -> dict[str, str]:
    """What the places of paths name; the token is of a share behind the password of the example."""
    root = "/api/projects/@current/"
    for kind in ("insights", "actions", "cohorts", "dashboards"):
        assert tried.client.post(f"{root}{kind}/", json={"name": "First"}).status_code == 201
    named = {"name": ERASED_TEXT}
    assert tried.client.post(f"{root}actions/", json=named).status_code == 201
    sharing = {"enabled": True, "password_required": True}
    shared = tried.client.patch(f"{root}insights/1/sharing/", json=sharing)
    password = {"raw_password": PASSWORD}
    made = tried.client.post(f"{root}insights/1/sharing/passwords/", json=password)
    assert made.status_code == 201
    public = {"url": "https://93.184.215.14/"}
    webhook = tried.client.post(f"{root}webhooks/", json=public).json()["id"]
    numbers = dict.fromkeys(("insight", "action", "cohort", "dashboard"), "1")
    subscriber = tried.client.post(f"{root}bus_consumers/", json={"name": "First"})
    saved = tried.client.patch(f"{root}insights/1/", json={"order": 7})
    return {
        **numbers,
        "operation": saved.headers["Insights-Operation"],
        "token": shared.json()["access_token"],
        "webhook": webhook,
        "consumer": subscriber.json()["id"],
    }


def _in_order(tried: Tried) -> list[tuple[str, str, Operation]]:
    """What needs the share goes first: an example turns it off, another deletes the insight."""
    return sorted(tried.operations(), key=lambda each: each[1] != "/shared/{token}")


def _filled(path: str, operation: Operation, places: dict[str, str]) -> str:
    """As the page fills it in, and else with what was made."""
    shown = {
        parameter["name"]: parameter["example"]
        for parameter in operation["parameters"]
        if parameter["in"] == "path" and "example" in parameter
    }
    return path.format(**{**places, **shown})


def _headers(tried: Tried, operation: Operation) -> dict[str, str]:
    """The required ones, with the document's examples."""
    required = {
        parameter["name"]: parameter["example"]
        for parameter in operation["parameters"]
        if parameter["in"] == "header" and parameter["required"]
    }
    if operation["security"] == [{"ProjectToken": []}]:
        required["Authorization"] = f"Bearer {tried.token}"
    return required
