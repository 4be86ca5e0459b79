"""Filters on the elements that were clicked."""

from typing import Any

import pytest

from services.query.events.conditions import PropertyIs
from tests.services.query.beside import is_
from tests.services.query.conftest import Events

CHAIN = (
    'a.btn.primary:attr__class="btn primary"attr__href="/go"attr_id="buy"href="/go"'
    'nth-child="2"nth-of-type="1"text="Buy \\"now\\"";'
    'div.box:nth-child="1"nth-of-type="1";body:nth-child="1"'
)


@pytest.mark.parametrize(
    ("key", "operator", "value", "passes"),
    [
        ("tag_name", "exact", "a", True),
        ("tag_name", "exact", "div", True),
        ("tag_name", "exact", "go", False),
        ("tag_name", "is_not", "a", False),
        ("tag_name", "is_not", "button", True),
        ("href", "exact", "/go", True),
        ("href", "icontains", "GO", True),
        ("text", "exact", 'Buy \\"now\\"', True),
        ("text", "regex", "^Buy", True),
        ("text", "exact", "Buy", False),
        ("text", "is_set", None, True),
    ],
)
def test_any_element_of_the_chain_will_do(
    events: Events, team: int, key: str, operator: Any, value: Any, passes: bool
) -> None:
    events.add(team, {"$elements_chain": CHAIN})
    values = () if value is None else (value,)
    passing = events.passing(team, PropertyIs("element", key, operator, values))
    assert passing == ([0] if passes else [])


def test_tags_stand_alone_or_before_what_is_quoted(events: Events, team: int) -> None:
    chains = ["img;svg", 'a:text="x;svg;y";p', 'p:attr__title="say \\";svg:"']
    events.add(team, *({"$elements_chain": chain} for chain in chains))
    passing = {tag: events.passing(team, is_("element", "tag_name", "exact", tag)) for tag in "ap"}
    assert passing == {"a": [1], "p": [1, 2]}
    assert events.passing(team, is_("element", "tag_name", "exact", "svg")) == [0]
    assert events.passing(team, is_("element", "tag_name", "exact", "img")) == [0]


def test_an_event_without_elements_passes_only_negative_filters(events: Events, team: int) -> None:
    events.add(team, {})
    assert events.passing(team, is_("element", "text", "exact", "")) == []
    assert events.passing(team, is_("element", "text", "is_not", "Buy")) == [0]
