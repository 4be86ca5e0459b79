"""The text at an import's end: the events that are stored, and the request that queries them."""

import json
import shlex
from datetime import timedelta

import msgspec

from contracts.times import moment
from services.embedded.importing.tally import Tally

_SECOND = timedelta(seconds=1)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """events: acknowledged in this run. already_stored: of these; None when it is not known.

    rows_without_person, bad_rows: left out. first, last: when events of the file happened, UTC.
    position: of the capture stream, from which on all of it is visible.
    """

    events: int
    already_stored: int | None
    persons: int
    first: str | None
    last: str | None
    rows_without_person: int
    bad_rows: int
    position: int | str


def iso(at: int | None) -> str | None:
    if at is None:
        return None
    return (moment(at)).isoformat(timespec="microseconds")


def in_words(summary: Summary, tally: Tally, before: int) -> str:
    """before: events that earlier runs of an interrupted import had sent."""
    more = "more " if before else ""
    counted = f"{summary.events:,} {more}{'event' if summary.events == 1 else 'events'}"
    lines = [f"{counted} imported; all of them can be queried."]
    details = []
    if before:
        details.append(f"{before:,} were sent before the import was interrupted")
    if summary.already_stored is not None:
        details.append(f"{summary.already_stored:,} of them already stored before")
    return _text(lines, [*details, _people_and_span(tally)], tally)


def without_sending(summary: Summary, tally: Tally) -> str:
    """Of a dry run."""
    counted = f"{summary.events:,} {'event' if summary.events == 1 else 'events'}"
    lines = [f"{counted} could be imported; nothing was sent (--dry-run)."]
    return _text(lines, [_people_and_span(tally)], tally)


def _people_and_span(tally: Tally) -> str:
    persons = "person" if tally.persons == 1 else "persons"
    return f"{tally.persons:,} {persons}, {tally.span()} UTC"


def _text(lines: list[str], details: list[str], tally: Tally) -> str:
    noted = [f"Note: {oddity}" for oddity in tally.oddities()]
    return "\n".join([*lines, *(f"  {detail}." for detail in details), *noted])


def curl(url: str, project: str, tally: Tally) -> str:
    """One line for a shell, in which $KEY is an API key: a funnel of the file's commonest events.

    The steps come in the order in which their events come on average.
    """
    assert tally.first is not None
    assert tally.last is not None
    commonest = sorted(tally.names.items(), key=lambda item: -item[1].count)[:3]
    ordered = sorted(commonest, key=lambda item: item[1].late / item[1].count)
    steps = [name for name, _ in ordered]
    if len(steps) == 1:
        steps *= 2
    last = (moment(tally.last)).replace(microsecond=0) + _SECOND
    first = (moment(tally.first)).replace(microsecond=0)
    body = {
        "events": [{"id": step, "order": order} for order, step in enumerate(steps)],
        "date_from": f"{first:%Y-%m-%dT%H:%M:%SZ}",
        "date_to": f"{last:%Y-%m-%dT%H:%M:%SZ}",
    }
    address = f"{url.rstrip('/')}/api/projects/{project}/insights/funnel/"
    return (
        f'curl -sS {shlex.quote(address)} -H "Authorization: Bearer $KEY"'
        f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )
