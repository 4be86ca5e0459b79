"""An `$elements_chain` as the elements it lists: `tag.class.class:name="value"…;tag…`."""

import re
from collections.abc import Iterator

from contracts.api.correlation import Element

_ELEMENT = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')
_ATTRIBUTE = re.compile(r'(?P<name>[^=":\s][^="]*?)="(?P<value>(?:[^"\\]|\\.)*)"')
_HEAD = re.compile(r"(?P<tag>[^.:]*)(?P<classes>(?:\.[^.:]+)*):?")
_ESCAPED = re.compile(r"\\(.)")


def read_chain(chain: str) -> list[Element]:
    """The clicked element first; what cannot be read of one is left out."""
    return [_element(order, text) for order, text in enumerate(_ELEMENT.findall(chain))]


def _element(order: int, text: str) -> Element:
    head = _HEAD.match(text)
    tag, classes = (head["tag"], head["classes"]) if head else ("", "")
    attributes = dict(_attributes(text[head.end() if head else 0 :]))
    return Element(
        order=order,
        tag_name=tag or None,
        attr_class=classes.split(".")[1:] or None,
        text=attributes.pop("text", None),
        href=attributes.pop("href", None),
        attr_id=attributes.pop("attr_id", attributes.pop("attr__id", None)),
        nth_child=_number(attributes.pop("nth-child", None)),
        nth_of_type=_number(attributes.pop("nth-of-type", None)),
        attributes=attributes,
    )


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for found in _ATTRIBUTE.finditer(text):
        yield found["name"], _ESCAPED.sub(r"\1", found["value"])


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 10 else None
