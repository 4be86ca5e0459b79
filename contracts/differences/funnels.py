"""The options of a funnel."""

from collections.abc import Mapping
from typing import Any

from contracts.differences.exclusions import EXCLUSIONS
from contracts.differences.rules import (
    At,
    Document,
    Rule,
    chosen,
    nested,
    numbered,
    switched,
    worded,
)
from contracts.differences.words import code, count, plain

Json = Any

_DEFAULT_WINDOW = 14
_ORDERS: Mapping[str | None, tuple[str, str]] = {
    None: ("must follow in order", "in order"),
    "ordered": ("must follow in order", "in order"),
    "strict": ("must follow strictly", "strictly"),
    "unordered": ("may follow in any order", "in any order"),
}
_VIEWS: Mapping[str | None, str] = {
    None: "steps", "steps": "steps", "trends": "conversion over time",
    "time_to_convert": "time to convert", "flow": "a flow",
}  # fmt: skip
_ATTRIBUTIONS: Mapping[str | None, str] = {
    None: "the first touch", "first_touch": "the first touch", "last_touch": "the last touch",
    "all_events": "every step",
}  # fmt: skip
_REFERENCES: Mapping[str | None, str] = {
    None: "the first step", "total": "the first step", "previous": "the step before",
}  # fmt: skip


def _window(before: Document, after: Document, _: At) -> list[str]:
    old, new = _window_of(before), _window_of(after)
    if old is None or new is None or old == new:
        return []
    was = str(old[0]) if old[1] == new[1] else count(*old)
    return [f"Conversion window is {count(*new)} instead of {was}."]


def _window_of(funnel: Document) -> tuple[Json, str] | None:
    number, unit = funnel.get("funnelWindowInterval"), funnel.get("funnelWindowIntervalUnit")
    if not isinstance(number, int | str | None) or not isinstance(unit, str | None):
        return None
    shown = plain(number) if isinstance(number, str) and number else number or _DEFAULT_WINDOW
    return shown, plain((unit or "day").lower().removesuffix("s"))


def _order(before: Document, after: Document, _: At) -> list[str]:
    old, new = (_one_of(_ORDERS, each.get("funnelOrderType")) for each in (before, after))
    if old is None or new is None or old == new:
        return []
    return [f"Steps {new[0]} (before: {old[1]})."]


def _one_of(known: Mapping[str | None, Any], sent: Json) -> Any:
    return known.get(sent) if isinstance(sent, str | None) else None


def _attribution(funnel: Document) -> str | None:
    if funnel.get("breakdownAttributionType") == "step":
        value = funnel.get("breakdownAttributionValue")
        return f"step {value + 1}" if type(value) is int else "step 1"
    found = _one_of(_ATTRIBUTIONS, funnel.get("breakdownAttributionType"))
    return found if isinstance(found, str) else None


def _nth(name: str, default: str, sentence: str) -> Rule:
    """Of the number of a step, from 0."""

    def words(funnel: Document) -> str | None:
        sent = funnel.get(name)
        if sent is None:
            return default
        return str(sent + 1) if type(sent) is int else None

    return worded((name,), words, sentence)


def _by_expression(funnel: Document) -> str | None:
    sent = funnel.get("funnelAggregateByHogQL")
    if not sent or sent == "person_id":
        return "persons"
    return f"values of {code(sent)}" if isinstance(sent, str) else None


OPTIONS = nested(
    "funnelsFilter",
    (
        EXCLUSIONS,
        Rule(("funnelWindowInterval", "funnelWindowIntervalUnit"), _window),
        Rule(("funnelOrderType",), _order),
        worded(
            ("breakdownAttributionType", "breakdownAttributionValue"),
            _attribution,
            "The breakdown takes the value of {after} instead of {before}.",
        ),
        chosen("funnelVizType", _VIEWS, "Shown as {after} instead of {before}."),
        _nth(
            "funnelFromStep",
            "the first",
            "Conversion counts from step {after} instead of {before}.",
        ),
        _nth("funnelToStep", "the last", "Conversion counts to step {after} instead of {before}."),
        numbered("binCount", "as many as fit", "Times fall into {after} bins instead of {before}."),
        worded(("funnelAggregateByHogQL",), _by_expression, "Counts {after} instead of {before}."),
        switched(
            "hideIncompleteConversionWindowPeriods",
            "Periods whose conversion window still runs are now hidden.",
            "Periods whose conversion window still runs are no longer hidden.",
        ),
        chosen(
            "funnelStepReference",
            _REFERENCES,
            "Conversion is relative to {after} instead of {before}.",
        ),
    ),
)
