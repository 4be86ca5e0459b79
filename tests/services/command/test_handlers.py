"""The service's routes translate: what a request needs stands in one parameter each, and few do."""

import re
from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from contracts.api.insights import WriteInsight
from contracts.headers import IDEMPOTENCY_KEY
from services.command import app
from services.command.settings import CommandSettings
from services.common.http.operations import DESCRIBES, RouteDescription, is_left_out
from services.common.http.sent import sent_type
from tests.services.command.test_repeats_at_once import ASKED

NOWHERE = CommandSettings(
    database_url="postgresql://nobody@127.0.0.1:1/none", nats_url="nats://127.0.0.1:1"
)
MOST_PARAMETERS = 4


def handlers() -> Iterator[HTTPRouteHandler]:
    """Of the service as a process, each once; nothing is opened."""
    seen: set[HTTPRouteHandler] = set()
    for route in app.create_app(NOWHERE).routes:
        if isinstance(route, HTTPRoute):
            seen.update(route.route_handlers)
    # Litestar's own answer to OPTIONS has no name of ours.
    yield from (each for each in seen if each.http_methods != {"OPTIONS"})


def _places(path: str) -> str:
    return re.sub(r"{[^}]*}", "{}", path).rstrip("/")


def test_whatever_takes_an_idempotency_key_is_repeated_in_a_test() -> None:
    asked = {(method, _places(path)) for method, path, _, _ in ASKED.values()}
    asked.add(("POST", "/api/projects"))  # test_a_project_is_made_once
    missed = [
        handler.handler_name
        for handler in handlers()
        if not is_left_out(handler.opt)
        and any(each.name == IDEMPOTENCY_KEY for each in handler.opt[DESCRIBES].parameters)
        and not any(
            (method, _places(path.removeprefix("/api/projects/{project:str}"))) in asked
            for method in handler.http_methods
            for path in handler.paths
        )
    ]
    assert missed == []


def test_no_handler_takes_more_than_four_parameters() -> None:
    found = {each.handler_name: list(each.parsed_fn_signature.parameters) for each in handlers()}
    assert len(found) > 25
    assert {
        name: parameters for name, parameters in found.items() if len(parameters) > MOST_PARAMETERS
    } == {}


@pytest.mark.parametrize("name", ["create_insight", "patch_insight", "put_insight"])
def test_a_body_is_named_by_the_handler_alone(name: str) -> None:
    (handler,) = (each for each in handlers() if each.handler_name == name)
    assert sent_type(handler) is WriteInsight
    operation = handler.opt[DESCRIBES]
    assert isinstance(operation, RouteDescription)
    assert operation.body is None
