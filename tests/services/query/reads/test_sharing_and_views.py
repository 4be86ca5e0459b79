"""GET of a sharing configuration, and of what the caller looked at last."""

from typing import Any

import pytest
from msgspec import Raw

from contracts.events.insight import InsightDeleted
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharingDisabled,
    SharingEnabled,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.viewing import InsightViewed
from contracts.json import NULL
from tests.examples import BOB, INSIGHT, created
from tests.services.projector.projecting import insight, sharing, viewing
from tests.services.query.reads.reading import Reading

PATH = f"insights/{INSIGHT}/sharing/"
NEVER_SHARED: dict[str, Any] = {
    "created_at": None,
    "enabled": False,
    "access_token": None,
    "settings": None,
    "password_required": False,
    "share_passwords": [],
}


async def tokens(api: Reading, *texts: str) -> None:
    """Numbered from 1."""
    for text in texts:
        await api.projector.execute(
            "INSERT INTO share_tokens (team_id, insight_id, token) VALUES (1, 7, %s)", text
        )


async def test_asking_makes_no_share(api: Reading) -> None:
    await api.projector.append(created())
    await api.projector.catch_up()
    head = await api.projector.store.head()
    answer = await api.get(PATH)
    assert (answer.status_code, answer.json()) == (200, NEVER_SHARED)
    assert answer.headers["ETag"].startswith('"0-')
    assert await api.projector.store.head() == head


async def test_a_share_shows_its_present_token_and_settings(api: Reading) -> None:
    await tokens(api, "first-token", "second-token")
    await api.projector.append(created())
    (first,) = await api.projector.append(SharingEnabled(INSIGHT, 1), of=sharing())
    await api.projector.append(
        SharingSettingsChanged(INSIGHT, Raw(b'{"legend":true}'), NULL),
        SharingPasswordRequired(INSIGHT),
        SharePasswordAdded(INSIGHT, 5, "Board"),
        AccessTokenRotated(INSIGHT, 2, 1, 300),
        of=sharing(),
        actor=BOB,
    )
    await api.projector.catch_up()
    answer = await api.get(PATH)
    body = answer.json()
    (password,) = body.pop("share_passwords")
    assert body == {
        "created_at": first.at.isoformat().replace("+00:00", "Z"),
        "enabled": True,
        "access_token": "second-token",
        "settings": {"legend": True},
        "password_required": True,
    }
    assert (password["note"], password["created_by_email"]) == ("Board", "bob@example.com")
    assert answer.headers["ETag"].startswith('"5-')
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await api.get("insights/aB3dE6gH/sharing", headers=known)).status_code == 304


async def test_a_share_that_is_off_shows_no_token(api: Reading) -> None:
    await tokens(api, "first-token")
    await api.projector.append(created())
    await api.projector.append(SharingEnabled(INSIGHT, 1), SharingDisabled(INSIGHT), of=sharing())
    await api.projector.catch_up()
    body = (await api.get(PATH)).json()
    assert (body["enabled"], body["access_token"]) == (False, None)


async def test_an_insight_out_of_sight_has_no_share(api: Reading) -> None:
    await api.projector.append(created(), InsightDeleted())
    await api.projector.catch_up()
    for path in (PATH, "insights/8/sharing/", "insights/!/sharing/"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (404, "Insight not found.")


async def test_a_share_whose_history_cannot_be_followed_is_not_shown(api: Reading) -> None:
    await api.projector.append(created())
    await api.projector.append(SharingEnabled(INSIGHT, 1), of=sharing())
    (bad,) = await api.projector.append(SharingDisabled(INSIGHT), of=sharing())
    await api.projector.execute(
        "UPDATE log SET state = '{}' WHERE notification_id = %s", bad.position
    )
    await api.projector.catch_up()
    answer = await api.get(PATH)
    assert (answer.status_code, answer.json()["position"]) == (503, bad.position)
    assert (await api.get(f"insights/{INSIGHT}/")).status_code == 200


# Last viewed

VIEWED = "insights/my_last_viewed/"


async def seven_insights(api: Reading) -> None:
    for number in range(1, 8):
        await api.projector.append(
            created(insight_id=number, short_id=f"short{number:03}"), of=insight(number)
        )


async def test_the_last_five_insights_are_shown_the_latest_first(api: Reading) -> None:
    await seven_insights(api)
    for number in (1, 2, 3, 4, 5, 6, 2):
        await api.projector.append(InsightViewed(number, 1), of=viewing())
    (fact,) = await api.projector.append(InsightViewed(2, 1), of=viewing())
    await api.projector.catch_up()
    body = (await api.get(VIEWED)).json()
    assert [each["id"] for each in body] == [2, 6, 5, 4, 3]
    assert body[0]["last_viewed_at"] == fact.at.isoformat().replace("+00:00", "Z")
    assert len(body[0]) == 20


async def test_deleted_insights_and_others_views_do_not_show(api: Reading) -> None:
    await seven_insights(api)
    await api.projector.append(InsightViewed(1, 1), InsightViewed(2, 1), of=viewing())
    await api.projector.append(InsightViewed(3, 2), of=viewing(2), actor=BOB)
    await api.projector.append(InsightDeleted(), of=insight(2))
    await api.projector.catch_up()
    assert [each["id"] for each in (await api.get(VIEWED)).json()] == [1]
    assert [each["id"] for each in (await api.get(VIEWED, by="bob")).json()] == [3]


async def test_who_looked_at_nothing_sees_an_empty_list(api: Reading) -> None:
    answer = await api.get(VIEWED)
    assert (answer.status_code, answer.json()) == (200, [])
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await api.get(VIEWED, headers=known)).status_code == 304


@pytest.mark.parametrize("path", [PATH, VIEWED])
async def test_both_are_tables_for_who_wants_one(api: Reading, path: str) -> None:
    await api.projector.append(created(name="A"))
    await api.projector.append(InsightViewed(INSIGHT, 1), of=viewing())
    await api.projector.catch_up()
    answer = await api.get(f"{path}?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(answer.text.splitlines()) == 2
