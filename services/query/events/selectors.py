"""CSS selectors of actions as regular expressions over `$elements_chain`.

The chain lists the clicked element first, then its ancestors: `tag.class.class:name="value"…;tag…`,
classes and attributes sorted by name. Served: tags, `*`, `.class`, `#id`, `[name="value"]`,
`[name]`, `:nth-child(n)`, `:nth-of-type(n)`, descendants (a space) and children (`>`).
"""

import re

import msgspec

from contracts.queries.errors import invalid_input

_PART = re.compile(
    r"(?P<tag>^(?:\*|[a-zA-Z][\w-]*))"
    r"|\.(?P<class>[^.#\[\]:\s>]+)"
    r"|#(?P<id>[^.#\[\]:\s>]+)"
    r"|\[(?P<name>[\w:-]+)(?:=(?P<quote>[\"']?)(?P<value>.*?)(?P=quote))?\]"
    r"|:(?P<position>nth-child|nth-of-type)\((?P<number>\d+)\)"
)
_COMPOUND = re.compile(r"\s*(>|\s)?\s*((?:\[[^\]]*\]|[^\s>\[])+)")
_INSIDE = r'(?:[^;"]|"(?:[^"\\]|\\.)*")*?'
_ELEMENT = rf"{_INSIDE}(?:;|$)"
_SHOWN_AS = {"id": "attr_id", "href": "href", "text": "text"}


class _Compound(msgspec.Struct):
    """One element of a selector. child: it is directly inside the one before it."""

    child: bool
    tag: str | None
    classes: list[str]
    attributes: list[tuple[str, str | None]]


def selector_pattern(selector: str) -> str:
    """An RE2 pattern. Raises InvalidQuery for what is not served."""
    compounds = _compounds(selector)
    pattern = r"(?:^|;)"
    for index, compound in enumerate(reversed(compounds)):
        pattern += _element(compound)
        if index + 1 < len(compounds) and not compound.child:
            pattern += f"(?:{_ELEMENT})*?"
    return pattern


def _compounds(selector: str) -> list[_Compound]:
    found, at = [], 0
    text = selector.strip()
    while at < len(text):
        matched = _COMPOUND.match(text, at)
        if matched is None:
            raise _not_served(selector)
        found.append(_compound(matched[2], matched[1] == ">", selector))
        at = matched.end()
    if not found:
        raise _not_served(selector)
    return found


def _compound(text: str, child: bool, selector: str) -> _Compound:
    compound = _Compound(child, None, [], [])
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise _not_served(selector)
        if found["tag"]:
            compound.tag = None if found["tag"] == "*" else found["tag"]
        elif found["class"]:
            compound.classes.append(found["class"])
        elif found["id"]:
            compound.attributes.append(("attr_id", found["id"]))
        elif found["position"]:
            compound.attributes.append((found["position"], found["number"]))
        else:
            name = _SHOWN_AS.get(found["name"], f"attr__{found['name']}")
            compound.attributes.append((name, found["value"]))
        at = found.end()
    return compound


def _element(compound: _Compound) -> str:
    pattern = re.escape(compound.tag) if compound.tag else r"[a-zA-Z0-9_-]*"
    for name in sorted(compound.classes):
        pattern += rf'(?:\.[^.;:"]+)*?\.{re.escape(name)}'
    if not compound.attributes:
        return pattern + rf"(?:[.:]{_INSIDE})?(?:;|$)"
    pattern += r'(?:\.[^;:"]+)?:'
    for name, value in sorted(compound.attributes, key=lambda pair: pair[0]):
        shown = r'[^"]*' if value is None else re.escape(value)
        pattern += rf'{_INSIDE}{re.escape(name)}="{shown}"'
    return pattern + _ELEMENT


def _not_served(selector: str) -> Exception:
    return invalid_input("actions", f"Selector '{selector[:100]}' is not supported.")
