"""The breakdown of a query."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.differences.difference import Names
from contracts.differences.rules import At, Document, Rule, compared, numbered, switched
from contracts.differences.words import all_of, code, named, plain
from contracts.queries.cohorts import cohort_number

Json = Any

_OWNERS = {
    None: "", "": "", "event": "", "events": "", "person": "the person's ",
    "session": "the session's ", "element": "the element's ",
}  # fmt: skip
_OF_ONE = ("breakdown", "breakdown_type", "breakdowns", "breakdown_group_type_index")


def _broken_down(before: Document, after: Document, at: At) -> list[str]:
    old, new = _text(before, at.names), _text(after, at.names)
    if old == new:
        return []
    if not new:
        return [f"No longer broken down by {old}."]
    return [f"Broken down by {new} instead of {old}." if old else f"Broken down by {new}."]


def _text(document: Document, names: Names) -> str:
    """$browser and the person's plan; "" for none. Several breakdowns win over one."""
    several = document.get("breakdowns")
    if isinstance(several, list) and several:
        return all_of([_one_of_several(each, names) for each in several])
    one, type_ = document.get("breakdown"), document.get("breakdown_type")
    if one in (None, "", []):
        return ""
    index = document.get("breakdown_group_type_index")
    keys: Sequence[Json] = one if isinstance(one, list) else [one]
    return all_of([_key(each, type_, index, names) for each in keys])


def _one_of_several(sent: Json, names: Names) -> str:
    if not isinstance(sent, Mapping):
        return plain(str(sent))
    return _key(sent.get("property"), sent.get("type"), sent.get("group_type_index"), names)


def _key(key: Json, type_: Json, index: Json, names: Names) -> str:
    match type_:
        case "cohort":
            number = cohort_number(key)
            if number is None:
                return "everybody" if key == "all" else f"cohort {plain(str(key))}"
            return named("cohort", number, names.cohorts.get(number))
        case "hogql":
            return code(str(key))
        case "group":
            return f"the group's ({index or 0}) {plain(str(key))}"
        case _:
            known = type_ is None or isinstance(type_, str)
            owner = (
                _OWNERS.get(type_, f"{plain(str(type_))} ") if known else f"{plain(str(type_))} "
            )
            return f"{owner}{plain(str(key))}"


_RULES = (
    Rule(_OF_ONE, _broken_down),
    numbered(
        "breakdown_limit",
        "the usual limit",
        "The breakdown shows at most so many values: {after} (before: {before}).",
    ),
    switched(
        "breakdown_normalize_url",
        "URLs of the breakdown are now normalized.",
        "URLs of the breakdown are no longer normalized.",
    ),
    switched(
        "breakdown_hide_other_aggregation",
        "Other values of the breakdown are now hidden.",
        "Other values of the breakdown are no longer hidden.",
    ),
)


def breakdown_rule(name: str = "breakdownFilter") -> Rule:
    def say(before: Document, after: Document, at: At) -> list[str]:
        left, right = before.get(name), after.get(name)
        if not isinstance(left, Mapping | None) or not isinstance(right, Mapping | None):
            return []
        return compared(left or {}, right or {}, _RULES, at.inside(name))

    return Rule((name,), say)
