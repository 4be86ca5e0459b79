"""What a page shows is compared as a reader understands it."""

from typing import Any

import pytest

from tests.pages import differences, sections, shown_json


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ('{"a": 1, …}', {"a": 1, "b": 2}),
        ("{…}", {}),
        ('{"a": …, "b": [1, …]}', {"a": None, "b": [1, 2, 3]}),
        ("[{…}, …]", [{"a": 1}]),
        ('"1-6d…"', "1-6d0c"),
        ("[2.0, true]", [2, True]),
    ],
)
def test_the_rest_may_be_anything(shown: str, found: Any) -> None:
    assert list(differences(shown_json(shown), found)) == []


@pytest.mark.parametrize(
    ("shown", "found", "told"),
    [
        ('{"a": 1}', {"a": 1, "b": 2}, [".b is not shown"]),
        ('{"a": 1, …}', {"b": 2}, [".a is missing"]),
        ("[1]", [1, 2], [": 2 items and not 1"]),
        ("[1, 2, …]", [1], [": 1 items and not 2"]),
        ('{"a": [1]}', {"a": [2]}, [".a[0]: 2 is not 1"]),
        ("1", True, [": True is not 1"]),
        ("null", 0, [": 0 is not None"]),
        ('"1-6d…"', "2-6d0c", [": '2-6d0c' is not like '1-6d…'"]),
    ],
)
def test_what_differs_is_told_with_its_place(shown: str, found: Any, told: list[str]) -> None:
    assert list(differences(shown_json(shown), found)) == told


def test_a_page_is_its_sections_and_their_blocks() -> None:
    page = "# Title\n\n## One\n\n```sh\n# no heading\nls\n```\n\nWords.\n\n### Two\n"
    one, two = sections(page)
    assert (one.heading, two.heading, two.blocks) == ("One", "Two", [])
    assert [(block.form, block.text) for block in one.blocks] == [("sh", "# no heading\nls")]
