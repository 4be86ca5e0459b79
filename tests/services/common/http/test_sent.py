"""A body is read by the type of the handler's own parameter, after everything else it asks for."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery
from litestar.testing import AsyncTestClient

from services.common.http.app import ServicePart, compose
from services.common.http.operations import Described, does
from services.common.http.problems import not_found
from services.common.http.schema.document import UndescribedRoute, document
from services.common.http.sent import SENT, provide_sent


class Greeting(msgspec.Struct, frozen=True):
    name: str
    times: int = 1


def application(opt: Described) -> Litestar:
    @post("/greetings", opt=opt, status_code=200)
    async def greet(sent: NamedDependency[Greeting], zone: NamedDependency[str]) -> str:
        """Say hello."""
        return f"{zone}: {sent.name} {sent.times}"

    async def provide_zone(name: FromQuery[str]) -> str:
        if name != "here":
            raise not_found()
        return name

    dependencies = {SENT: Provide(provide_sent), "zone": Provide(provide_zone)}
    return compose([ServicePart(handlers=[greet], dependencies=dependencies)])


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"name": "Ada", "times": 2}', "application/json"),
        (b"name=Ada&times=2", "application/x-www-form-urlencoded"),
        # As the docs' own curl lines label it.
        (b"name=Ada&times=2", "application/json"),
    ],
)
async def test_it_is_read_as_every_body(content: bytes, media_type: str) -> None:
    async with AsyncTestClient(application(does(None, str))) as client:
        answer = await client.post(
            "/greetings?name=here", content=content, headers={"Content-Type": media_type}
        )
    assert (answer.status_code, answer.text) == (200, "here: Ada 2")


async def test_what_is_wrong_with_it_is_told_last() -> None:
    async with AsyncTestClient(application(does(None, str))) as client:
        lost = await client.post("/greetings?name=there", content=b'{"times": "many"}')
        wrong = await client.post("/greetings?name=here", content=b'{"times": "many"}')
    assert lost.status_code == 404
    assert (wrong.status_code, wrong.json()["attr"]) == (400, "times")


def described(opt: Described) -> Any:
    routes = [each for each in application(opt).routes if each.path == "/greetings"]
    return document(routes, version="1")


def test_it_is_described_by_its_type() -> None:
    told = described(does(None, str))
    content = told["paths"]["/greetings"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Greeting"}


def test_a_body_that_is_named_twice_is_an_error() -> None:
    with pytest.raises(UndescribedRoute, match="greet names its body"):
        described(does(Greeting, str))
