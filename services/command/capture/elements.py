"""`$elements`, the clicked elements as older browsers' SDKs list them, into today's one text.

`tag.class.class:name="value"name="value";tag…`, the clicked one first; classes and names sorted.
PostHog: elements-chain.ts of its ingestion. So whatever asks for elements has one form to ask.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from contracts.product_events import JsonObject

LIST: Final = "$elements"
CHAIN: Final = "$elements_chain"
MAX_TEXT: Final = 400
MAX_HREF: Final = 2048

_BEFORE_QUOTE = re.compile(r'(?<!\\)(\\*+)("|\Z)')
# As locales compare: these before letters, whatever their place in ASCII.
_PUNCTUATION = str.maketrans({"_": "\x01", "-": "\x02"})


def chained(properties: JsonObject) -> None:
    """Puts the chain in the place of the list. A chain that was sent stays; no list, no change."""
    listed = properties.get(LIST)
    if not isinstance(listed, list):
        return
    del properties[LIST]
    chain = ";".join(_element(each) for each in listed if isinstance(each, dict))
    if chain and not properties.get(CHAIN):
        properties[CHAIN] = chain


def _element(sent: Mapping[str, Any]) -> str:
    head = ".".join((_text(sent.get("tag_name")) or "", *_classes(sent.get("attr__class"))))
    attributes = sorted(_attributes(sent), key=lambda pair: _sort_key(pair[0]))
    return f"{head}:" + "".join(f'{_quoted(name)}="{_quoted(value)}"' for name, value in attributes)


def _classes(sent: object) -> list[str]:
    named = sent if isinstance(sent, list) else (_text(sent) or "").split()
    texts = (_text(each) or "" for each in named)
    return sorted(each for each in (text.replace('"', "") for text in texts) if each)


def _attributes(sent: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The element's attributes that are there; its number among its siblings always."""
    yield "nth-child", _text(sent.get("nth_child")) or "0"
    yield "nth-of-type", _text(sent.get("nth_of_type")) or "0"
    known = {
        "text": (_text(sent.get("$el_text")) or "")[:MAX_TEXT],
        "href": (_text(sent.get("attr__href")) or "")[:MAX_HREF],
        "attr_id": _text(sent.get("attr__id")) or _text(sent.get("attr_id")) or "",
    }
    yield from ((name, value) for name, value in known.items() if value)
    for name, value in sent.items():
        text = _text(value)
        if name.startswith("attr__") and text is not None:
            yield name, text


def _text(value: object) -> str | None:
    """As JavaScript writes it: a list is its parts, between commas. None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(_text(each) or "" for each in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return msgspec.json.encode(value).decode()


def _sort_key(name: str) -> tuple[str, str]:
    return name.casefold().translate(_PUNCTUATION), name.swapcase()


def _quoted(text: str) -> str:
    """With its quotes escaped, and backslashes where they would escape one."""
    return _BEFORE_QUOTE.sub(
        lambda found: found[1] * 2 + ("\\" + found[2] if found[2] else ""), text
    )
