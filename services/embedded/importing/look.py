"""The look at a file before anything of it is sent: its format and its columns as they were
understood.
"""

import msgspec

from services.embedded.importing.event_records import EventRecord
from services.embedded.importing.faults import BadRecord
from services.embedded.importing.files import SAMPLE, EventFile
from services.embedded.importing.import_options import ImportOptions
from services.embedded.importing.tally import Tally
from services.embedded.importing.times import ORDERS, UNITS

# The values of --time-format besides patterns.
NAMED_FORMS = (*ORDERS, *UNITS)
_LONGEST_LIST = 300
_LONGEST_EVENT = 600


def look(file: EventFile, reading: ImportOptions, now: int, *, skip_bad: bool) -> str:
    """Lines to read. now: microseconds since 1970, UTC. skip_bad: rows that are no events do not
    stop the import.
    """
    tally = Tally(now)
    first: EventRecord | None = None
    bad: BadRecord | None = None
    for outcome in file.sample:
        if skip_bad or not isinstance(outcome, BadRecord):
            tally.add(outcome)
        if first is None and isinstance(outcome, EventRecord):
            first = outcome
        if bad is None and isinstance(outcome, BadRecord):
            bad = outcome
    rows = [("", file.described()), *_fields(file, reading)]
    if tally.span():
        seen = f" (first {SAMPLE:,} rows)" if len(file.sample) >= SAMPLE else ""
        rows.append(("times", f"{tally.span()} UTC{seen}"))
    if first is not None:
        rows.append(("an event", _cut(msgspec.json.encode(first.body).decode(), _LONGEST_EVENT)))
    shown = [f"  {head:<12} {text}".rstrip() for head, text in rows if head]
    warnings = [f"Warning: {text}" for text in tally.oddities()]
    if bad is not None and not skip_bad:
        warnings.append(f"Warning: {bad}. The import stops there, unless --skip-bad leaves it out.")
    return "\n".join([f"{file.source.path.name}: {rows[0][1]}", *shown, *warnings])


def _fields(file: EventFile, reading: ImportOptions) -> list[tuple[str, str]]:
    fields = file.fields
    shown = []
    for field in ("event", "distinct_id", "timestamp", "uuid"):
        column = fields.columns.get(field)
        if column is not None:
            shown.append((field, f"column {column!r}" + _zone(field, reading)))
            if field == "event" and fields.event is not None:
                shown[-1] = (field, f"column {column!r}, else {fields.event!r}")
        elif field == "event":
            shown.append((field, f"{fields.event!r} for every row"))
    if fields.properties is None:
        shown.append(("properties", f"column {fields.columns['properties']!r}"))
    else:
        names = ", ".join(fields.properties) or "none"
        shown.append(("properties", _cut(names, _LONGEST_LIST)))
    return shown


def _zone(field: str, reading: ImportOptions) -> str:
    if field != "timestamp":
        return ""
    form = f", read as {reading.time_format}" if reading.time_format else ""
    return f"{form}, {reading.timezone} where it names no zone"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + " …"
