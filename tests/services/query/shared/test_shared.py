"""The public side of sharing, asked without a key."""

import asyncio
import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient
from msgspec import Raw

from services.query.insights.charts import TrendsChart, percent
from services.query.insights.funnels.chart import chart as funnel_chart
from tests.whole import SIGN_UP, Whole

PAGE = {"Accept": "text/html"}


def ago(**delta: float) -> datetime:
    return datetime.now(UTC) - timedelta(**delta)


@pytest.fixture
async def visitor(whole: Whole) -> AsyncClient:
    """The same server, without the key."""
    whole.client.headers.pop("Authorization")
    return whole.client


async def share(whole: Whole, **change: Any) -> tuple[str, dict[str, str]]:
    """A shared sign-up funnel with three entrants: its token, and headers with a key."""
    keyed = await whole.key()
    await whole.happened(
        ("signed_up", "ada", ago(hours=10)),
        ("paid", "ada", ago(hours=9)),
        ("signed_up", "bob", ago(hours=8)),
        ("signed_up", "cy", ago(hours=8)),
        ("paid", "cy", ago(hours=5)),
    )
    made = await whole.client.post(
        whole.insights,
        json={"name": "Who <b>pays</b>", "description": "Since May", "query": SIGN_UP},
        headers=keyed,
    )
    sharing = f"{whole.insights}{made.json()['id']}/sharing/"
    answer = await whole.client.patch(sharing, json={"enabled": True, **change}, headers=keyed)
    return answer.json()["access_token"], {**keyed, "sharing": sharing}


async def test_the_page_shows_the_funnel_and_loads_nothing(
    whole: Whole, visitor: AsyncClient
) -> None:
    token, _ = await share(whole)
    answer = await visitor.get(f"/shared/{token}", headers=PAGE)
    assert answer.status_code == 200
    assert "Who &lt;b&gt;pays&lt;/b&gt;" in answer.text
    assert "1. signed_up" in answer.text
    assert "3 people" in answer.text
    assert "66.7 %" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "http" not in answer.text


async def test_the_embedded_page_may_be_framed(whole: Whole, visitor: AsyncClient) -> None:
    token, _ = await share(whole)
    answer = await visitor.get(f"/embedded/{token}", headers=PAGE)
    assert answer.status_code == 200
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers


async def test_the_document_tells_the_insight_and_nothing_else(
    whole: Whole, visitor: AsyncClient
) -> None:
    token, _ = await share(whole)
    by_path = await visitor.get(f"/shared/{token}.json")
    by_accept = await visitor.get(f"/shared/{token}", headers={"Accept": "application/json"})
    assert by_path.json() == by_accept.json()
    insight = by_path.json()["insight"]
    assert set(insight) == {
        "name", "derived_name", "description", "query", "filters", "result", "columns",
        "last_refresh", "timezone",
    }  # fmt: skip
    assert [step["count"] for step in insight["result"]] == [3, 2]
    assert "ada@example.com" not in by_path.text


async def test_whatever_is_not_shared_is_missing_alike(whole: Whole, visitor: AsyncClient) -> None:
    token, keyed = await share(whole)
    sharing = keyed.pop("sharing")
    await visitor.post(f"{sharing}refresh/", headers=keyed)
    assert (await visitor.get(f"/shared/{token}", headers=PAGE)).status_code == 200  # in its grace
    await visitor.patch(sharing, json={"enabled": False}, headers=keyed)
    pages = [
        await visitor.get(path, headers=PAGE)
        for path in (f"/shared/{token}", "/shared/unknown", f"/embedded/{token}", "/shared/%00")
    ]
    assert [page.status_code for page in pages] == [404] * 4
    assert len({page.text for page in pages}) == 1
    assert (await visitor.get(f"/shared/{token}.json")).status_code == 404
    unlocking = await visitor.post("/shared/%00", json={"password": "x"})
    assert (unlocking.status_code, unlocking.json()) == (404, {"error": "Not found."})
    listed = await visitor.get(f"{whole.root}insights/?sharing_access_token=unknown")
    assert (listed.status_code, listed.json()["code"]) == (403, "authentication_failed")


async def test_a_password_opens_the_page_for_a_day_and_dies_with_it(
    whole: Whole, visitor: AsyncClient
) -> None:
    token, keyed = await share(whole, password_required=True)
    sharing = keyed.pop("sharing")
    made = await visitor.post(
        f"{sharing}passwords/", json={"raw_password": "correct horse"}, headers=keyed
    )

    locked = await visitor.get(f"/shared/{token}", headers=PAGE)
    assert (locked.status_code, "Password needed" in locked.text) == (200, True)
    assert "signed_up" not in locked.text
    assert (await visitor.get(f"/shared/{token}.json")).status_code == 401
    wrong = await visitor.post(f"/shared/{token}", json={"password": "battery staple"})
    assert (wrong.status_code, set(wrong.json())) == (401, {"error"})

    opened = await visitor.post(f"/shared/{token}", json={"password": "correct horse"})
    cookie = opened.headers["set-cookie"].lower()
    assert opened.status_code == 200
    assert "httponly" in cookie
    assert f"path=/shared/{token}".lower() in cookie
    visitor.cookies.clear()
    bearer = {"Authorization": f"Bearer {opened.json()['shareToken']}"}
    assert (await visitor.get(f"/shared/{token}.json", headers=bearer)).status_code == 200
    signed, last = bearer["Authorization"][:-1], bearer["Authorization"][-1]
    forged = {"Authorization": f"{signed}{'B' if last == 'A' else 'A'}"}
    assert (await visitor.get(f"/shared/{token}.json", headers=forged)).status_code == 401

    gone = await visitor.delete(f"{sharing}passwords/{made.json()['id']}/", headers=keyed)
    assert gone.status_code == 204
    await visitor.patch(sharing, json={}, headers=keyed)
    seen = await visitor.get(sharing, headers=keyed)
    assert seen.json()["share_passwords"] == []
    assert (await visitor.get(f"/shared/{token}.json", headers=bearer)).status_code == 401


async def test_a_browsers_form_is_sent_back_to_the_page(whole: Whole, visitor: AsyncClient) -> None:
    token, keyed = await share(whole, password_required=True)
    sharing = keyed.pop("sharing")
    await visitor.post(
        f"{sharing}passwords/", json={"raw_password": "correct horse"}, headers=keyed
    )
    await visitor.get(sharing, headers=keyed)
    wrong = await visitor.post(f"/shared/{token}", data={"password": "no"}, headers=PAGE)
    assert (wrong.status_code, wrong.headers["location"]) == (
        303,
        f"/shared/{token}?wrong=password",
    )
    told = await visitor.get(wrong.headers["location"], headers=PAGE)
    assert "not the password" in told.text
    opened = await visitor.post(
        f"/shared/{token}", data={"password": "correct horse"}, headers=PAGE
    )
    assert (opened.status_code, opened.headers["location"]) == (303, f"/shared/{token}")
    assert "1. signed_up" in (await visitor.get(f"/shared/{token}", headers=PAGE)).text


async def test_guessing_is_slowed_down_and_told(whole: Whole, visitor: AsyncClient) -> None:
    token, keyed = await share(whole, password_required=True)
    sharing = keyed.pop("sharing")
    tries = [await visitor.post(f"/shared/{token}", json={"password": "guess"}) for _ in range(11)]
    assert [answer.status_code for answer in tries] == [401] * 10 + [429]
    assert "retry-after" in tries[-1].headers
    activity = sharing.replace("sharing/", "activity/")
    entries = (await visitor.get(f"{activity}?limit=20", headers=keyed)).json()["results"]
    told = [entry for entry in entries if entry["activity"] == "share_login_failed"]
    assert len(told) == 10
    assert told[0]["user"]["is_system"] is True


async def test_guessing_at_once_is_no_faster(whole: Whole, visitor: AsyncClient) -> None:
    token, _ = await share(whole, password_required=True)
    tries = [visitor.post(f"/shared/{token}", json={"password": "guess"}) for _ in range(24)]
    codes = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert sorted(codes) == [401] * 10 + [429] * 14


async def test_the_right_password_is_no_failure(whole: Whole, visitor: AsyncClient) -> None:
    token, keyed = await share(whole, password_required=True)
    passwords = f"{keyed.pop('sharing')}passwords/"
    given = {"raw_password": "correct horse"}
    await visitor.post(passwords, json=given, headers=keyed)
    for _ in range(12):
        opened = await visitor.post(f"/shared/{token}", json={"password": "correct horse"})
        assert opened.status_code == 200


@pytest.mark.parametrize(
    ("query", "filters", "said"),
    [
        (
            {"kind": "RetentionQuery", "series": [{"kind": "EventsNode", "event": "paid"}]},
            {},
            "Insights of this kind (Retention) are kept here, and not computed. "
            "There is no result to wait for.",
        ),
        (
            None,
            {"insight": "RETENTION", "events": [{"id": "paid"}]},
            "Insights of this kind (RETENTION) are kept here, and not computed. "
            "There is no result to wait for.",
        ),
        (None, {}, "This insight asks nothing yet."),
        (
            {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "paid"}]},
            {},
            "There is no result just now. If that stays so, the query can&#39;t be computed.",
        ),
    ],
)
async def test_a_page_without_numbers_says_why(
    whole: Whole, query: dict[str, Any] | None, filters: dict[str, Any], said: str
) -> None:
    asked = {"query": query} if query is not None else {"filters": filters}
    made = await whole.client.post(whole.insights, json={"name": "A", **asked})
    assert made.status_code == 201, made.text
    sharing = f"{whole.insights}{made.json()['id']}/sharing/"
    token = (await whole.client.patch(sharing, json={"enabled": True})).json()["access_token"]
    page = await whole.client.get(f"/shared/{token}", headers=PAGE)
    assert page.status_code == 200
    assert said in page.text


async def test_trends_have_dates_below_them_and_one_decimal(
    whole: Whole, visitor: AsyncClient
) -> None:
    source = {
        **SIGN_UP["source"],  # type: ignore[dict-item]  # a dict of several types
        "funnelsFilter": {"funnelVizType": "trends"},
        "dateRange": {"date_from": "2026-01-01", "date_to": "2026-01-09"},
    }
    keyed = await whole.key()
    at = datetime(2026, 1, 3, 12, tzinfo=UTC)
    await whole.happened(
        ("signed_up", "ada", at),
        ("paid", "ada", at + timedelta(hours=1)),
        ("signed_up", "bob", at),
        ("signed_up", "cy", at),
    )
    made = await visitor.post(whole.insights, json={"query": source}, headers=keyed)
    sharing = f"{whole.insights}{made.json()['id']}/sharing/"
    answer = await visitor.patch(sharing, json={"enabled": True}, headers=keyed)
    page = (await visitor.get(f"/shared/{answer.json()['access_token']}", headers=PAGE)).text
    ticks = "".join(f"<span>{day}-Jan-2026</span>" for day in (1, 5, 9))
    assert f">{ticks}</div>" in page
    shares = re.findall(r"[\d.]+ %", page)
    assert shares.count("33.3 %") == 2  # of the day, and of the caption
    assert all(re.fullmatch(r"\d+\.\d %", share) for share in shares)


def drawn(periods: int, **more: str) -> dict[str, Any]:
    days = [f"2026-01-0{day}" for day in range(1, periods + 1)]
    return {"count": periods, "data": [50.0] * periods, "days": days, "labels": days, **more}


def chart(*trends: dict[str, Any]) -> TrendsChart:
    made = funnel_chart(Raw(msgspec.json.encode(trends)))
    assert isinstance(made, TrendsChart)
    return made


@pytest.mark.parametrize(
    ("periods", "days"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4])]
)
def test_the_days_below_are_the_first_a_middle_one_and_the_last(
    periods: int, days: list[int]
) -> None:
    assert chart(drawn(periods)).ticks == tuple(f"2026-01-0{day}" for day in days)


def test_one_period_is_a_line_and_two_that_are_compared_have_names() -> None:
    made = chart(drawn(1, compare_label="current"), drawn(1, compare_label="previous"))
    assert [line.points for line in made.lines] == ["0.0,0.0 640.0,0.0"] * 2
    assert [line.label for line in made.lines] == ["current", "previous"]


def test_shares_have_one_decimal() -> None:
    assert [percent(share) for share in (0, 100, 100 / 3, 31.75)] == [
        "0.0 %",
        "100.0 %",
        "33.3 %",
        "31.8 %",
    ]
