"""What a webhook sends, in which order, and how often."""

import base64
from datetime import timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace
from standardwebhooks import Webhook

from contracts.chain import commit
from contracts.cloud_events import decode_cloud_event, entry_of
from contracts.events.insight import InsightDescribed
from contracts.events.sharing import SharingEnabled
from contracts.events.streams import webhook_stream
from contracts.events.viewing import InsightViewed
from contracts.events.webhook import (
    WebhookChanged,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEvent,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from services.projector.webhooks.deliver import MOST_BODY_BYTES
from tests.examples import ALICE
from tests.services.projector.projecting import insight, sharing, viewing
from tests.services.projector.webhooks.delivering import (
    INSTALLATION,
    PRIVATE_KEY,
    SECRET,
    SETTINGS,
    Delivering,
)

NEW_SECRET = "whsec_" + base64.b64encode(bytes([1]) * 32).decode()


async def test_an_event_comes_whole_signed_and_under_its_id(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(7)
    await hook.step()
    (got,) = hook.receiver.got
    (entry,) = await hook.projector.store.project_entries(1, 1, 1)
    event = decode_cloud_event(got.body)
    assert entry_of(event) == entry
    assert commit(entry.salt, got.body[got.body.index(b'"data":') + 7 : -1]) == entry.commitment
    assert event.source == f"urn:uuid:{INSTALLATION}#project/1"
    assert got.headers["webhook-id"] == f"{INSTALLATION}/1/2"
    assert Webhook(SECRET).verify(got.body, dict(got.headers))["id"] == "2"
    signed = dict(each.split(",") for each in got.headers["webhook-signature"].split())
    public = Ed25519PrivateKey.from_private_bytes(
        base64.b64decode(PRIVATE_KEY.removeprefix("whsk_"))
    ).public_key()
    stamp = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}."
    public.verify(base64.b64decode(signed["v1a"]), stamp.encode() + got.body)
    (attempt,) = await hook.attempts()
    assert (attempt["state"], attempt["status"], attempt["error"]) == ("delivered", 200, None)
    assert (attempt["sequence"], attempt["lane"]) == (2, "insight/7")
    assert attempt["response"] == "as told"
    assert await hook.pending() == []


async def test_within_a_lane_strictly_in_sequence_and_lanes_side_by_side(
    hook: Delivering,
) -> None:
    await hook.make(max_in_flight=3)
    await hook.insights(1, 2, 3, 4, facts=5)
    hook.receiver.behave = lambda got: 500 if got.sequence == 6 and got.again < 2 else 200
    await hook.step()
    # Insight 1 waits at its second fact; the others are done.
    assert [got.sequence for got in hook.receiver.got if got.subject == "insight/1"] == [2, 6]
    assert len(hook.receiver.got) == 2 + 3 * 5
    await hook.go_on()
    for number in (1, 2, 3, 4):
        of_one = [got for got in hook.receiver.got if got.subject == f"insight/{number}"]
        assert all(one.sequence <= other.sequence for one, other in pairwise(of_one))
        assert len({got.sequence for got in of_one}) == 5
    assert hook.receiver.sequences.count(6) == 3


async def test_all_facts_about_an_insight_are_one_lane(hook: Delivering) -> None:
    await hook.make(types=())
    await hook.insights(7)
    await hook.happened(SharingEnabled(7, token_id=1), of=sharing(7))
    await hook.happened(InsightViewed(7, ALICE.user_id), of=viewing())
    await hook.step()
    lanes = [attempt["lane"] for attempt in await hook.attempts()]
    assert sorted(lanes) == ["insight/7", "insight/7", "insight/7", "webhook/3"]
    of_insight = [got for got in hook.receiver.got if got.subject != "webhook/3"]
    assert [got.subject for got in of_insight] == ["insight/7", "sharing/7", "viewing/1"]


async def test_only_what_is_wanted_is_sent(hook: Delivering) -> None:
    await hook.make(types=("insight.renamed.v1",), insights=(1, 3))
    await hook.insights(1, 2, 3, facts=3)
    await hook.step()
    assert {got.event["type"] for got in hook.receiver.got} == {"insight.renamed.v1"}
    assert {got.subject for got in hook.receiver.got} == {"insight/1", "insight/3"}
    assert len(hook.receiver.got) == 4


@pytest.mark.parametrize("stop", [WebhookPaused(), WebhookDisabled("gone")])
async def test_what_is_stopped_goes_on_where_it_stopped(
    hook: Delivering, stop: WebhookEvent
) -> None:
    await hook.make()
    await hook.insights(1)
    await hook.step()
    await hook.tell(stop)
    await hook.insights(2, 3)
    await hook.step()
    assert hook.receiver.sequences == [2]
    await hook.tell(WebhookResumed())
    await hook.step()
    assert sorted(hook.receiver.sequences) == [2, 4, 5]


async def test_a_pause_holds_before_the_rows_tell_of_it(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    await hook.projector.append(WebhookPaused(), of=webhook_stream(1, 3))
    await hook.restart()
    assert hook.delivery is not None
    await hook.delivery.step(await hook.standing())
    assert hook.receiver.got == []
    assert hook.delivery.lanes.busy == 0


async def test_nothing_more_is_read_than_may_wait(hook: Delivering) -> None:
    hook.most_pending = 5
    await hook.make()
    await hook.insights(*range(1, 13))
    hook.receiver.behave = lambda got: 500
    await hook.step()
    assert await hook.pending() == [2, 3, 4, 5, 6]
    hook.receiver.behave = lambda got: 200
    await hook.go_on()
    assert sorted(set(hook.receiver.sequences)) == list(range(2, 14))


async def test_too_large_an_event_says_where_it_is_whole(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(7)
    await hook.happened(InsightDescribed("x" * MOST_BODY_BYTES, ""), of=insight(7))
    await hook.step()
    event = hook.receiver.got[-1].event
    assert "data" not in event
    assert event["dataref"] == "/api/projects/1/facts/3/"
    assert len(hook.receiver.got[-1].body) < 2_000


async def test_a_replay_comes_after_what_is_due_under_the_same_ids(hook: Delivering) -> None:
    await hook.make(max_in_flight=1)
    await hook.insights(1, 2, facts=2)
    await hook.step()
    first = {got.sequence: got.headers["webhook-id"] for got in hook.receiver.got}
    await hook.projector.execute(
        "INSERT INTO webhook_replays (webhook_id, read_through, through, types)"
        " VALUES (3, 2, 4, '{}')"
    )
    await hook.insights(3)
    await hook.step()
    again = hook.receiver.got[4:]
    assert [got.sequence for got in again] == [6, 3, 4]
    assert {got.sequence: got.headers["webhook-id"] for got in again if got.again} == {
        number: first[number] for number in (3, 4)
    }
    assert await hook.projector.rows("SELECT * FROM webhook_replays") == []


async def test_both_secrets_sign_for_a_day(hook: Delivering) -> None:
    await hook.make(signature="v1")
    await hook.projector.execute(
        "INSERT INTO webhook_secrets (id, team_id, webhook_id, secret, private_key)"
        " OVERRIDING SYSTEM VALUE VALUES (5, 1, 3, %s, %s)",
        NEW_SECRET,
        PRIVATE_KEY,
    )
    await hook.tell(WebhookSecretRotated(5, "whpk_y", 2, 86_400))
    await hook.insights(1)
    await hook.step()
    both = hook.receiver.got[-1]
    assert len(both.headers["webhook-signature"].split()) == 2
    for secret in (SECRET, NEW_SECRET):
        Webhook(secret).verify(both.body, dict(both.headers))
    hook.clock.move(timedelta(days=1, seconds=1))
    await hook.insights(2)
    await hook.step()
    assert len(hook.receiver.got[-1].headers["webhook-signature"].split()) == 1


async def test_of_a_deleted_webhook_nothing_is_left(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    hook.receiver.behave = lambda got: 500
    await hook.step()
    await hook.tell(WebhookDeleted())
    assert await hook.spool.live() == []
    await hook.spool.clean_up(hook.clock.at)
    left = ("webhook_progress", "webhook_pending", "webhook_attempts", "webhook_secrets")
    for table in left:
        assert await hook.projector.rows("SELECT * FROM " + table) == []


async def test_attempts_are_kept_for_thirty_days(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    await hook.step()
    await hook.spool.clean_up(hook.clock.at + timedelta(days=29, hours=23))
    assert len(await hook.attempts()) == 1
    await hook.spool.clean_up(hook.clock.at + timedelta(days=30))
    assert await hook.attempts() == []


async def test_a_changed_address_gets_what_was_pending_already(hook: Delivering) -> None:
    await hook.make()
    await hook.insights(1)
    hook.receiver.behave = lambda got: 500
    await hook.step()
    await hook.projector.execute(
        "INSERT INTO webhook_secrets (id, team_id, webhook_id, url) OVERRIDING SYSTEM VALUE"
        " VALUES (9, 1, 3, %s)",
        f"{hook.receiver.url}/other",
    )
    await hook.tell(WebhookChanged(replace(SETTINGS, address_id=9), SETTINGS))
    hook.receiver.behave = lambda got: 200
    await hook.go_on()
    assert hook.receiver.sequences == [2, 2]
    assert (await hook.attempts())[-1]["state"] == "delivered"
