"""Property filters in words, and what is said where they differ."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import msgspec

from contracts.differences.difference import Names
from contracts.differences.rules import At, Document, Rule
from contracts.differences.words import all_of, capital, code, either, named, plain
from contracts.queries.cohorts import cohort_number
from contracts.queries.errors import InvalidQuery
from contracts.queries.properties import PropertyFilter, PropertyGroup, Scalar, read

Json = Any
Condition = PropertyFilter | PropertyGroup

_SIGNS = {
    "exact": "=", "in": "=", "is_not": "≠", "not_in": "≠",
    "icontains": "contains", "not_icontains": "does not contain",
    "icontains_multi": "contains", "not_icontains_multi": "does not contain",
    "regex": "matches", "not_regex": "does not match",
    "gt": ">", "gte": "≥", "min": "≥", "lt": "<", "lte": "≤", "max": "≤",
    "is_date_exact": "on", "is_date_before": "before", "is_date_after": "after",
    "is_date_between": "between", "is_date_not_between": "not between",
    "is_cleaned_path_exact": "=",
    "semver_eq": "=", "semver_neq": "≠", "semver_gt": ">", "semver_gte": "≥", "semver_lt": "<",
    "semver_lte": "≤", "semver_tilde": "~", "semver_caret": "^",
}  # fmt: skip
_OWNERS = {"person": "the person's ", "session": "the session's ", "element": "the element's "}


def filters_rule(name: str = "properties") -> Rule:
    """Of a member that holds property filters in any of their shapes."""

    def say(before: Document, after: Document, at: At) -> list[str]:
        return said(before.get(name), after.get(name), at)

    return Rule((name,), say)


def said(before: Json, after: Json, at: At) -> list[str]:
    """A sentence for each condition that came, went or became another one."""
    try:
        left, right = _required(read(before)), _required(read(after))
    except (InvalidQuery, RecursionError):
        return []
    return of_conditions(
        [condition_text(each, at.names) for each in left],
        [condition_text(each, at.names) for each in right],
        [_about(each) for each in left],
        [_about(each) for each in right],
        at.subject,
    )


def of_conditions(
    before: Sequence[str],
    after: Sequence[str],
    about_before: Sequence[Hashable],
    about_after: Sequence[Hashable],
    subject: str,
) -> list[str]:
    """The same for conditions in words.

    about_…: what each condition is about; two about the same are one that changed, if they are
    the only ones.
    """
    gone = _without(list(zip(before, about_before, strict=True)), after)
    come = _without(list(zip(after, about_after, strict=True)), before)
    alone = _alone(gone) & _alone(come)
    became = {about: text for text, about in come if about in alone}
    sentences = []
    for old, about in gone:
        if about in alone:
            new, was = _shortened(became[about], old)
            sentences.append(_sentence(subject, f"requires {new} instead of {was}"))
    sentences += [
        _sentence(subject, f"now also requires {text}")
        for text, about in come
        if about not in alone
    ]
    sentences += [
        _sentence(subject, f"no longer requires {text}")
        for text, about in gone
        if about not in alone
    ]
    return sentences


def _alone(conditions: Sequence[tuple[str, Hashable]]) -> set[Hashable]:
    """What exactly one of them is about."""
    counted = Counter(about for _, about in conditions)
    return {about for about, number in counted.items() if number == 1}


def _without(
    these: Sequence[tuple[str, Hashable]], those: Sequence[str]
) -> list[tuple[str, Hashable]]:
    """Those of the first that the second has not, each as often as it has it more."""
    left = Counter(those)
    kept = []
    for one in these:
        if left[one[0]] > 0:
            left[one[0]] -= 1
        else:
            kept.append(one)
    return kept


def _sentence(subject: str, words: str) -> str:
    return f"{subject} {words}." if subject else f"{capital(words)}."


def _shortened(new: str, old: str) -> tuple[str, str]:
    """`$browser = Safari` and `Chrome`: the old one without what both begin with."""
    for sign in (" = ", " ≠ ", " > ", " ≥ ", " < ", " ≤ ", " contains ", " matches "):
        name, found, rest = old.partition(sign)
        if found and new.startswith(name + sign):
            return new, rest
    return new, old


def _required(tree: Condition) -> list[Condition]:
    """The conditions that must all hold; groups of one are their one."""
    if isinstance(tree, PropertyFilter):
        return [tree]
    if tree.type == "AND" or len(tree.values) <= 1:
        return [part for value in tree.values for part in _required(value)]
    return [tree]


def _about(condition: Condition) -> Hashable:
    if isinstance(condition, PropertyGroup):
        return None
    about = (condition.type, condition.group_type_index, condition.key)
    return (*about, condition.values) if condition.type == "cohort" else about


def condition_text(condition: Condition, names: Names) -> str:
    if isinstance(condition, PropertyFilter):
        return _filter(condition, names)
    word = either if condition.type == "OR" else all_of
    return word([_part(part, names) for part in condition.values])


def _part(part: Condition, names: Names) -> str:
    text = condition_text(part, names)
    return f"({text})" if isinstance(part, PropertyGroup) and len(part.values) > 1 else text


def _filter(condition: PropertyFilter, names: Names) -> str:
    match condition.type:
        case "cohort":
            found = either([_cohort(each, names) for each in condition.values])
            return f"{'not being' if condition.excludes else 'being'} in {found}"
        case "hogql":
            return code(condition.key)
        case _:
            pass
    name = f"{_owner(condition)}{plain(condition.key)}"
    values = [scalar(each) for each in condition.values]
    match condition.operator:
        case "is_set":
            return f"{name} to be set"
        case "is_not_set":
            return f"{name} not to be set"
        case "between" | "not_between" | "is_date_between" | "is_date_not_between" as operator:
            word = operator.removeprefix("is_date_").replace("_", " ")
            return f"{name} {word} {all_of(values)}"
        case operator:
            sign = _SIGNS.get(operator, plain(operator.replace("_", " ")))
            return f"{name} {sign} {either(values) or 'nothing'}"


def _owner(condition: PropertyFilter) -> str:
    if condition.type == "event":
        return ""
    if condition.type == "group":
        return f"the group's ({condition.group_type_index or 0}) "
    return _OWNERS.get(condition.type, f"{plain(condition.type)} ")


def _cohort(value: Scalar, names: Names) -> str:
    number = cohort_number(value)
    if number is None:
        return f"cohort {scalar(value)}"
    return named("cohort", number, names.cohorts.get(number))


def scalar(value: Scalar) -> str:
    if isinstance(value, str):
        return plain(value)
    return msgspec.json.encode(value).decode()
