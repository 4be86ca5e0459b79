"""Exclusions of a funnel: what ends an attempt between two steps."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.differences.conditions import filters_rule
from contracts.differences.rules import SAID_ELSEWHERE, At, Document, Rule, compared
from contracts.differences.steps import NODE_RULES, entity_key, entity_text

Json = Any
_RULES = (filters_rule(), *NODE_RULES[1:])
_RANGE = ("funnelFromStep", "funnelToStep")


def _exclusions(before: Document, after: Document, at: At) -> list[str]:
    """An exclusion is the same one as long as it lies between the same steps, wherever these are
    by now: that they moved is said of the steps.
    """
    left, right = _listed(before.get("exclusions")), _listed(after.get("exclusions"))
    if left is None or right is None:
        return []
    there = {step: step for step in at.steps.values()}
    lefts = [(entity_key(each), *_moved(_range(each), at.steps)) for each in left]
    rights = [(entity_key(each), *_moved(_range(each), there)) for each in right]
    pairs = _paired(lefts, rights)
    gone, come = _unpaired(pairs, len(left), len(right))
    said = []
    elsewhere = _paired([(lefts[i][0],) for i in gone], [(rights[i][0],) for i in come])
    for i, j in elsewhere.items():
        pairs[gone[i]] = come[j]
        old, new = _steps(_range(left[gone[i]])), _steps(_range(right[come[j]]))
        text = entity_text(right[come[j]], at.names)
        if new != old:
            said.append(f"{new[0]} {_verb('exclude', new)} {text} instead of {_lower(old[0])}.")
    gone, come = _unpaired(pairs, len(left), len(right))
    for index in come:
        steps = _steps(_range(right[index]))
        text = entity_text(right[index], at.names)
        said.append(f"{steps[0]} now also {_verb('exclude', steps)} {text}.")
    for index in gone:
        steps = _steps(_range(left[index]))
        text = entity_text(left[index], at.names)
        said.append(f"{steps[0]} no longer {_verb('exclude', steps)} {text}.")
    for i, j in sorted(pairs.items(), key=lambda pair: pair[1]):
        here = replace(
            at.inside("exclusions"),
            subject=f"The exclusion of {entity_text(right[j], at.names)}",
        )
        here = replace(here, path=f"{here.path}[{j}]")
        said += compared(_without(left[i]), _without(right[j]), _RULES, here)
    if not said and pairs == {index: index for index in range(len(left))}:
        return [SAID_ELSEWHERE]
    return said


def _listed(sent: Json) -> Sequence[Document] | None:
    if sent is None:
        return []
    if not isinstance(sent, list) or not all(isinstance(each, Mapping) for each in sent):
        return None
    return sent


def _range(exclusion: Document) -> tuple[Json, Json]:
    return exclusion.get("funnelFromStep"), exclusion.get("funnelToStep")


def _moved(bounds: tuple[Json, Json], steps: Mapping[int, int]) -> list[tuple[bool, Json]]:
    """Each bound as the step after that it is, or as it was sent where that step is gone."""
    return [
        (True, steps[each]) if type(each) is int and each in steps else (False, each)
        for each in bounds
    ]


def _paired(before: Sequence[object], after: Sequence[object]) -> dict[int, int]:
    """Index to index of equal ones, each used once."""
    free: dict[bytes, deque[int]] = {}
    for index, each in enumerate(after):
        free.setdefault(msgspec.json.encode(each), deque()).append(index)
    pairs = {}
    for index, each in enumerate(before):
        if found := free.get(msgspec.json.encode(each)):
            pairs[index] = found.popleft()
    return pairs


def _unpaired(pairs: Mapping[int, int], before: int, after: int) -> tuple[list[int], list[int]]:
    paired = set(pairs.values())
    gone = [index for index in range(before) if index not in pairs]
    return gone, [index for index in range(after) if index not in paired]


def _steps(bounds: tuple[Json, Json]) -> tuple[str, bool]:
    """Step 2, where it ends at the next step; else Steps 1 to 3. With whether it is one."""
    since, until = bounds
    if type(since) is not int or type(until) is not int:
        return "The funnel", True
    if until == since + 1:
        return f"Step {since + 1}", True
    return f"Steps {since + 1} to {until + 1}", False


def _verb(verb: str, steps: tuple[str, bool]) -> str:
    return f"{verb}s" if steps[1] else verb


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _without(exclusion: Document) -> Document:
    """What is left to compare of two that are the same exclusion."""
    return {name: each for name, each in exclusion.items() if name not in _RANGE}


EXCLUSIONS = Rule(("exclusions",), _exclusions)
