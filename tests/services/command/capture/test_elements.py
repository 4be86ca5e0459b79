"""Elements that older SDKs list become the chain that today's send."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.command.capture import v1
from services.command.capture.elements import chained
from services.command.capture.events import Clock, captured
from services.query.insights.funnels.correlation.elements import read_chain

BUTTON = {
    "tag_name": "button",
    "$el_text": 'Say "hi"; now',
    "attr__class": "buy big",
    "attr__id": "pay",
    "attr__data-x": "1",
    "nth_child": 2,
    "nth_of_type": 1,
}
LINK = {"tag_name": "a", "attr__href": "/pay", "attr__class": ["z", "b"], "classes": ["z"]}
CHAIN = (
    'button.big.buy:attr__class="buy big"attr__data-x="1"attr__id="pay"attr_id="pay"'
    'nth-child="2"nth-of-type="1"text="Say \\"hi\\"; now"'
    ';a.b.z:attr__class="z,b"attr__href="/pay"href="/pay"nth-child="0"nth-of-type="0"'
)


def made(elements: Any, **more: Any) -> dict[str, Any]:
    properties = {"$elements": elements, **more}
    chained(properties)
    return properties


def test_the_list_becomes_posthogs_chain() -> None:
    assert made([BUTTON, LINK], plan="pro") == {"$elements_chain": CHAIN, "plan": "pro"}


def test_a_chain_is_read_as_what_was_listed() -> None:
    button, link = read_chain(made([BUTTON, LINK])["$elements_chain"])
    assert (button.tag_name, button.text, button.attr_id) == ("button", 'Say "hi"; now', "pay")
    assert (button.attr_class, button.nth_child) == (["big", "buy"], 2)
    assert (link.href, link.attr_class, link.order) == ("/pay", ["b", "z"], 1)


@pytest.mark.parametrize("text", ["ends in \\", 'a \\" b', '"', "\\\\", "x;y:z.w"])
def test_no_text_breaks_the_chain(text: str) -> None:
    found = read_chain(made([{"tag_name": "p", "$el_text": text}, LINK])["$elements_chain"])
    assert [each.tag_name for each in found] == ["p", "a"]
    assert found[0].text == text


def test_an_event_that_carries_both_keeps_its_chain() -> None:
    assert made([BUTTON], **{"$elements_chain": "a:"}) == {"$elements_chain": "a:"}
    assert made([LINK], **{"$elements_chain": ""})["$elements_chain"].startswith("a.b.z:")


@pytest.mark.parametrize("sent", [[], [None, 3, "a"]])
def test_a_list_of_nothing_leaves_nothing(sent: Any) -> None:
    assert made(sent) == {}


def test_what_is_no_list_is_a_property_like_any_other() -> None:
    assert made("air, fire") == {"$elements": "air, fire"}


def test_odd_members_of_elements_lose_no_event() -> None:
    odd = {"tag_name": None, "attr__x": {"a": 1}, "attr__y": None, "nth_child": 1.0, "$el_text": 7}
    assert made([odd])["$elements_chain"] == (
        ':attr__x="{\\"a\\":1}"nth-child="1"nth-of-type="0"text="7"'
    )


def test_long_texts_and_addresses_are_cut_as_in_posthog() -> None:
    (found,) = read_chain(
        made([{"$el_text": "t" * 500, "attr__href": "h" * 3000}])["$elements_chain"]
    )
    assert (len(found.text or ""), len(found.href or "")) == (400, 2048)


def test_every_door_makes_the_chain() -> None:
    event = {"event": "$autocapture", "distinct_id": "u", "properties": {"$elements": [LINK]}}
    older = captured(event, Clock(0))
    assert "$elements_chain" in msgspec.json.decode(older.properties)
    assert '"$elements"' not in older.properties + older.sent
    sender = v1.SenderHeaders("phc_x", "posthog-js", "1", 0)
    raw = event | {"uuid": str(UUID(int=1)), "timestamp": "2026-01-01T00:00:00Z"}
    body = msgspec.json.encode({"batch": [raw | {"properties": {"$elements": [LINK]}}]})
    (newer,) = v1.read(body, sender, 0).events
    assert "$elements_chain" in msgspec.json.decode(newer.properties)
