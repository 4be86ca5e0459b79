"""Files for the tests of what is read from them, without any server."""

from pathlib import Path
from typing import Any

from services.embedded.importing.event_records import EventRecord, Outcome
from services.embedded.importing.faults import BadRecord
from services.embedded.importing.files import EventFile
from services.embedded.importing.import_options import ImportOptions

HEAD = "event,distinct_id,timestamp"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def outcomes(
    path: Path, reading: ImportOptions | None = None, token: str = "phc_a"
) -> list[Outcome]:
    with path.open("rb") as file:
        return list(EventFile(path, file, reading or ImportOptions(), token).outcomes())


def read(
    path: Path, reading: ImportOptions | None = None, token: str = "phc_a"
) -> list[dict[str, Any]]:
    """The bodies of the events. Raises the first BadRecord."""
    events = []
    for outcome in outcomes(path, reading, token):
        if isinstance(outcome, BadRecord):
            raise outcome
        if isinstance(outcome, EventRecord):
            events.append(outcome.body)
    return events


def times(path: Path, reading: ImportOptions | None = None) -> list[str]:
    return [event["timestamp"] for event in read(path, reading)]
