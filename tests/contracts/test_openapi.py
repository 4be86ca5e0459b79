"""The OpenAPI document: of every route, complete, and to be browsed without another host."""

import re
from collections.abc import Iterator
from typing import Any, cast

import httpx
import jsonschema_rs
import msgspec
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from contracts.api.plans import MEDIA_TYPE as PLAN
from contracts.routes import ROUTES, methods_of
from services.command import app as command
from services.command.settings import CommandSettings
from services.common.http.schema.document import UndescribedRoute, document
from services.embedded.composition import application
from services.query import app as query
from services.query.settings import QuerySettings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
# They say what the key is or that there are no flags: every key may ask.
WITHOUT_SCOPE = {
    "/api/personal_api_keys/@current/",
    "/api/feature_flag/",
    "/api/feature_flag/local_evaluation/",
    "/flags/definitions",
}
PAGES = ("/login", "/logout", "/projects/")
ENVIRONMENTS = "/api/environments/"


class Urls(msgspec.Struct, frozen=True):
    postgres_url: str = NOWHERE
    nats_url: str = "nats://127.0.0.1:1"
    clickhouse_url: str = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def whole() -> Litestar:
    """Composed, not opened: no server is asked for anything."""
    return application(Urls())


@pytest.fixture(scope="module")
def told(whole: Litestar) -> dict[str, Any]:
    return document(whole.routes, version="1")


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_every_route_is_listed_or_named_beside_the_one_it_is_an_alias_of(
    whole: Litestar, told: dict[str, Any]
) -> None:
    """`document` refuses a route without a description; none but pages is left out besides."""
    there = {
        (re.sub(r":\w+", "", route.path), method)
        for route in whole.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and not route.path.startswith(PAGES)
    }
    listed = [(path.rstrip("/") or "/", method) for path, method, _ in operations(told)]
    also = {
        (path.rstrip("/"), method)
        for _, method, operation in operations(told)
        for path in re.findall(
            r"`(/[^`]+)`", operation.get("description", "").partition("Also at")[2]
        )
    }
    found = {*listed, *also}
    assert not also & set(listed)
    environments = {(path, method) for path, method in there if path.startswith(ENVIRONMENTS)}
    assert len(environments) > 40
    assert environments <= {
        (path.replace("/api/projects/", ENVIRONMENTS), method) for path, method in found
    }
    assert found == there - environments
    assert f"`{ENVIRONMENTS}`" in told["info"]["description"]


def test_a_handler_is_listed_once_for_each_of_its_methods(
    whole: Litestar, told: dict[str, Any]
) -> None:
    handlers = {
        (handler, method)
        for route in whole.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(PAGES)
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    assert len(list(operations(told))) == len(handlers)


def test_groups_are_told_of_in_the_order_of_interest(told: dict[str, Any]) -> None:
    groups = [tag["name"] for tag in told["tags"]]
    assert groups[:2] == ["insights", "query"]
    assert set(groups) == {tag for _, _, each in operations(told) for tag in each["tags"]}
    assert all(tag["description"].endswith(".") for tag in told["tags"])


def test_a_route_without_a_description_is_named(whole: Litestar) -> None:
    route = next(route for route in whole.routes if route.path == "/metrics")
    assert isinstance(route, HTTPRoute)
    (handler,) = (each for each in route.route_handlers if each.handler_name == "metrics")
    opt, handler.opt = handler.opt, {}
    try:
        with pytest.raises(UndescribedRoute, match=r"GET /metrics \(metrics\)"):
            document([route], version="1")
    finally:
        handler.opt = opt


def test_each_operation_has_a_name_of_its_own_a_sentence_and_its_answers(
    told: dict[str, Any],
) -> None:
    names = [operation["operationId"] for _, _, operation in operations(told)]
    assert sorted(names) == sorted(set(names))
    for path, method, operation in operations(told):
        assert operation["summary"], path
        assert operation["responses"], path
        assert "500" in operation["responses"], path
        if method == "GET":
            assert "requestBody" not in operation, path


def test_what_needs_a_key_says_which_scope_and_how_it_refuses(told: dict[str, Any]) -> None:
    asking = [
        (path, operation)
        for path, _, operation in operations(told)
        if operation["security"] not in ([], [{"ProjectToken": []}])
    ]
    assert len(asking) > 60
    for path, operation in asking:
        assert bool(operation["x-scopes"]) is (path not in WITHOUT_SCOPE), path
        assert {"401", "403", "429"} <= operation["responses"].keys(), path


def test_every_place_of_a_path_is_a_parameter(told: dict[str, Any]) -> None:
    placed = 0
    for path, _, operation in operations(told):
        named = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
        assert named == re.findall(r"{(\w+)}", path)
        placed += bool(named)
        every = [(each["name"], each["in"]) for each in operation["parameters"]]
        assert len(every) == len(set(every)), path
    assert placed > 60


def test_schemas_are_valid_and_lead_nowhere_else(told: dict[str, Any]) -> None:
    text = msgspec.json.encode(told).decode()
    schemas, responses = told["components"]["schemas"], told["components"]["responses"]
    links = re.findall(r'"#/components/(\w+)/([^"]+)"', text)
    assert {group for group, _ in links} == {"schemas", "responses"}
    for group, name in links:
        assert name in {"schemas": schemas, "responses": responses}[group]
    for name in schemas:
        pointed = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema_rs.Draft202012Validator(pointed)


def test_schemas_are_of_the_sort_that_generators_of_clients_read(told: dict[str, Any]) -> None:
    """They take a dot for a module, a list of types for an error, and null alone for nothing."""
    schemas = told["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"\w+", name)] == []
    for name in schemas:
        for place, schema in parts(schemas[name], name):
            assert not isinstance(schema.get("type"), list), place
            assert schema.get("type") != "null" or "/anyOf/" in place, place
            assert schema.get("type") != "array" or schema.keys() & {"items", "prefixItems"}, place


def parts(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within, and where."""
    match schema:
        case dict():
            yield place, schema
            for name, member in schema.items():
                yield from parts(member, f"{place}/{name}")
        case list():
            for number, element in enumerate(schema):
                yield from parts(element, f"{place}/{number}")
        case _:
            pass


def test_answers_have_all_their_members_and_bodies_none_too_many(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    insight = schemas["InsightBody"]
    # The look of a tile is there on a dashboard alone; the others only when asked for.
    assert set(insight["properties"]) - set(insight["required"]) == {
        "color", "layouts", "changes", "computed_to", "late_changes", "result_hash", "warnings",
    }  # fmt: skip
    assert len(schemas["BasicInsight"]["required"]) == 20
    assert "required" not in schemas["WriteInsight"] or schemas["WriteInsight"]["required"] == []


def test_what_appends_facts_tells_their_position(told: dict[str, Any]) -> None:
    asks = (
            "/query/", "/query/{job}/", "/cancel/", "/funnel/", "/correlation/", "/explain/",
            "/trend/", "/trend.csv/", "/trends/", "/stickiness/", "/lifecycle/", "/replay/",
            "/test/",
        )  # fmt: skip
    appending = [
        (path, method, operation["responses"])
        for path, method, operation in operations(told)
        if method != "GET" and path.startswith("/api/projects/") and not path.endswith(asks)
    ]
    assert len(appending) > 20
    for path, method, responses in appending:
        done = [responses[status] for status in ("200", "201", "202", "204") if status in responses]
        # A plan appends nothing.
        done = [each for each in done if PLAN not in list(each.get("content", {}))[:1]]
        assert done
        assert all("Insights-Position" in each.get("headers", {}) for each in done), (path, method)


def _listed(path: str) -> str:
    return re.sub(r":\w+", "", re.sub(r"{(\w+):path}", r"{*\1}", path))


def test_the_table_of_routes_is_the_applications(whole: Litestar) -> None:
    there = {
        _listed(route.path): set(getattr(route, "methods", ())) - {"OPTIONS"}
        for route in whole.routes
        if route.path.startswith(("/api/", "/shared/", "/embedded/", "/login", "/logout"))
        or (route.path.startswith("/projects/") and "POST" in getattr(route, "methods", ()))
    }
    assert {path: set(methods) for path, methods in ROUTES.items()} == there


def test_a_word_of_the_table_goes_before_a_place() -> None:
    assert methods_of("/api/projects/1/insights/activity/") == ("GET",)
    assert methods_of("/api/projects/1/insights/abcdefgh") == ("GET", "PATCH", "PUT")
    assert methods_of("/api/projects/1/nowhere/") == ()


# Served


def client_of(app: Litestar) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://recount.test")


async def test_it_is_served_as_json_and_as_yaml_without_a_key(
    whole: Litestar, told: dict[str, Any]
) -> None:
    async with client_of(whole) as client:
        served = await client.get("/api/schema/")
        assert served.headers["content-type"] == "application/json"
        assert served.json()["openapi"] == "3.1.0"
        assert served.json()["paths"] == msgspec.json.decode(msgspec.json.encode(told["paths"]))
        for yaml in (
            await client.get("/api/schema?format=yaml"),
            await client.get("/api/schema/", headers={"Accept": "application/yaml"}),
        ):
            assert yaml.headers["content-type"].startswith("application/yaml")
            assert msgspec.json.decode(yaml.content) == served.json()


async def test_the_page_loads_from_this_server_alone(whole: Litestar) -> None:
    async with client_of(whole) as client:
        page = await client.get("/api/schema/swagger-ui/")
        assert page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "//" not in page.text
        loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        assert len(loaded) == 5
        for path in loaded:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert answer.content
        assert (await client.get("/api/schema/files/secrets.txt")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "leads_to"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "/projects/@current/"),
        ("*/*", "/api/schema/swagger-ui/"),
    ],
)
async def test_the_front_door_leads_to_a_page(whole: Litestar, accept: str, leads_to: str) -> None:
    async with client_of(whole) as client:
        door = await client.get("/", headers={"Accept": accept})
        assert (door.status_code, door.headers["location"]) == (303, leads_to)
        assert door.text.endswith("/api/schema/swagger-ui/\n")


async def test_services_apart_tell_of_the_whole_api_and_know_what_the_others_have(
    told: dict[str, Any],
) -> None:
    urls = Urls()
    parts = {
        "query": query.create_app(
            QuerySettings(database_url=urls.postgres_url, clickhouse_url=urls.clickhouse_url)
        ),
        "command": command.create_app(
            CommandSettings(database_url=urls.postgres_url, nats_url=urls.nats_url)
        ),
    }
    own = {name: document(app.routes, version="1")["paths"] for name, app in parts.items()}
    insight = "/api/projects/{project}/insights/{insight}/"
    assert set(own["query"][insight]) == {"get"}
    assert set(own["command"][insight]) == {"patch", "put"}
    for app in parts.values():
        async with client_of(app) as client:
            served = (await client.get("/api/schema/")).json()
            assert set(served["paths"][insight]) == {"get", "patch", "put"}
            assert served["paths"].keys() == told["paths"].keys()
            answer = await client.delete("/api/projects/1/insights/1/")
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH, PUT"
            assert answer.json()["code"] == "method_not_allowed"
            lost = await client.post("/api/projects/1/insights/activity/")
            assert (lost.status_code, lost.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
