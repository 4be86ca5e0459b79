"""Actions as far as funnels need them: a name and the ways to do it."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from contracts.queries import cohorts
from contracts.queries.properties import read

Matching = Literal["contains", "regex", "exact"]


class ActionStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way to do it: all that is set must hold. Wire names; unknown members are ignored.

    event: None is any event. selector, tag_name, href, text: for `$autocapture` alone.
    Matchings left out: url contains, text and href exact. properties: as sent.
    """

    event: str | None = None
    url: str | None = None
    url_matching: Matching | None = None
    selector: str | None = None
    tag_name: str | None = None
    href: str | None = None
    href_matching: Matching | None = None
    text: str | None = None
    text_matching: Matching | None = None
    properties: Any = None


def named_cohorts(steps: Iterable[ActionStep]) -> tuple[int, ...]:
    """The cohorts that the steps' filters name, each once, ascending. Raises InvalidQuery."""
    found = {
        number for step in steps for number in cohorts.named_cohorts(read(step.properties, "steps"))
    }
    return tuple(sorted(found))


class Action(msgspec.Struct, frozen=True):
    """Any of its steps; without steps, everything."""

    id: int
    name: str
    steps: tuple[ActionStep, ...] = ()
