"""A list without rows as CSV: its header stands there all the same."""

import csv
import io
import json
from urllib.parse import quote

import pytest

from contracts.api.insights import BasicInsight
from services.common.accounts import administration
from tests.contracts.api.talk import Api

STEPS = [{"id": "one", "order": 0}, {"id": "two", "order": 1}]
FUNNEL = {
    "kind": "FunnelsQuery",
    "series": [{"kind": "EventsNode", "event": "one"}, {"kind": "EventsNode", "event": "two"}],
}
ACTORS = {"kind": "FunnelsActorsQuery", "source": FUNNEL, "funnelStep": 1}
ASKED = f"events={quote(json.dumps(STEPS))}"

# Path below a project with nothing in it, and some columns.
LISTS: dict[str, set[str]] = {
    "insights/?": {"id", "short_id", "name", "created_by.email", "result", "user_access_level"},
    "insights/?basic=true&": set(BasicInsight.__struct_fields__) - {"created_by"},
    "insights/activity/?": {"id", "activity", "user.email", "detail.name", "created_at"},
    "insights/my_last_viewed/?": {"id", "short_id", "last_viewed_at"},
    "dashboards/?": {"id", "name", "tiles", "created_by.uuid"},
    "actions/?": {"id", "name", "steps"},
    "cohorts/?": {"id", "name", "is_static", "count"},
    "event_definitions/?": {"id", "name", "last_seen_at"},
    "property_definitions/?": {"id", "name", "property_type"},
    f"persons/funnel/?{ASKED}&funnel_step=1&": {"type", "id", "name", "distinct_ids"},
    f"insights/funnel/correlation/?{ASKED}&": {"event.event", "success_count", "odds_ratio"},
    f"insights/funnel/?{ASKED}&breakdown=v&": {"order", "name", "count"},
    f"query/?query={quote(json.dumps(ACTORS))}&": {"id"},
}


@pytest.fixture(scope="module")
async def empty(api: Api) -> str:
    made = await administration.create_project(api.here.pool, api.here.organization.id, "Empty")
    return f"/api/projects/{made.id}/"


async def table(api: Api, path: str) -> list[list[str]]:
    answer = await api(f"GET {path}format=csv")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.body)))


@pytest.mark.parametrize("path", LISTS)
async def test_the_header_stands_alone(api: Api, empty: str, path: str) -> None:
    found = await table(api, empty + path)
    assert len(found) == 1, found
    assert set(found[0]) >= LISTS[path]
    assert len(found[0]) == len(set(found[0]))


async def test_of_a_cohorts_people_too(api: Api, empty: str) -> None:
    made = await api(f"POST {empty}cohorts/", {"name": "c", "is_static": True})
    (header,) = await table(api, f"{empty}cohorts/{made['id']}/persons/?")
    assert {"type", "id", "name", "distinct_ids", "created_at"} <= set(header)


@pytest.mark.parametrize("path", ["insights/?", "insights/?basic=true&", "dashboards/?"])
async def test_it_is_the_header_that_rows_have(api: Api, empty: str, path: str) -> None:
    before = (await table(api, empty + path))[0]
    await api.insight(name="a")
    await api.dashboard(name="b")
    assert before == (await table(api, api.here.root + path))[0]


async def test_rows_of_a_table_have_the_names_of_its_columns(api: Api) -> None:
    query = {"kind": "ActorsQuery", "source": ACTORS, "select": ["id", "person"]}
    answer = await api("POST query/?format=csv", {"query": query})
    answer.says(200)
    assert answer.body.splitlines()[0].split(",")[0] == "id"
