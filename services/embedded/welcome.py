"""The first start: accounts, the demo data, and a screen of text whose lines can be pasted."""

import asyncio
import contextlib
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from services.embedded import accounts, demo, demo_insights
from services.embedded.accounts import FirstAccounts
from services.embedded.importing.event_records import EventRecord
from services.embedded.importing.sending import ImportStopped, Sender


class FirstStartProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of the first start, kept in the data folder: a kill in between loses nothing.

    started_at: the demo's clock; importing again from the same moment adds nothing.
    demo_shown: its insights are made. A folder that was greeted before there were any gets none.
    """

    started_at: datetime
    demo: bool
    demo_imported: bool = False
    demo_shown: bool = False
    greeted: bool = False


class Welcome:
    """The work of `recount serve` once it serves at `url`."""

    def __init__(self, url: str, folder: Path, postgres_url: str) -> None:
        self._url = url
        self._folder = folder
        self._path = folder / "first-start.json"
        self._postgres_url = postgres_url
        self._progress: FirstStartProgress | None = None

    async def prepare(self, *, demo: bool) -> None:
        """Accounts and, the first time, the demo data set, until its events can be queried, and
        what shows it.
        """
        if self._path.exists():
            self._progress = msgspec.json.decode(self._path.read_bytes(), type=FirstStartProgress)
        else:
            self._keep(
                FirstStartProgress(started_at=datetime.now(UTC).replace(microsecond=0), demo=demo)
            )
        assert self._progress is not None
        async with accounts.writing(self._postgres_url) as writing:
            self._first = await accounts.first(writing)
        if self._progress.demo and not self._progress.demo_imported:
            await self._import_demo(self._progress.started_at)
            self._keep(msgspec.structs.replace(self._progress, demo_imported=True))
        progress = self._progress
        if progress.demo and not progress.demo_shown and not progress.greeted:
            async with accounts.writing(self._postgres_url) as writing:
                await demo_insights.make(self._url, writing.writes, self._first)
            self._keep(msgspec.structs.replace(progress, demo_shown=True))

    async def greet(self) -> None:
        """Prints the key once in the life of a data folder, and the line that says ready."""
        assert self._progress is not None
        if not self._progress.greeted:
            async with accounts.writing(self._postgres_url) as writing:
                key = await writing.writes.create_key(
                    self._first.user_id, label="Made by the first start"
                )
            print(screen(self._url, self._folder, self._first, key.key, demo=self._progress.demo))
            self._keep(msgspec.structs.replace(self._progress, greeted=True))
        print(f"Recount is ready: {self._url}", flush=True)

    async def _import_demo(self, started_at: datetime) -> None:
        """By the door that everyone uses. In a thread, because this process serves it meanwhile.

        Cancelled, it leaves no thread that would ask a server that is gone for a minute.
        """
        sender = Sender(self._url, self._first.project_token)
        records = (
            EventRecord(number, msgspec.to_builtins(event))
            for number, event in enumerate(demo.events(until=started_at), start=1)
        )

        def send() -> None:
            with sender, contextlib.suppress(ImportStopped):
                imported = sender.send(records, lambda events, line: None)
                sender.wait(imported.position)

        try:
            await asyncio.to_thread(send)
        finally:
            sender.stop()

    def _keep(self, progress: FirstStartProgress) -> None:
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.json.encode(progress))
        unfinished.rename(self._path)
        self._progress = progress


def screen(url: str, folder: Path, first: FirstAccounts, key: str, *, demo: bool) -> str:
    """The text of the first start. demo: whether there are events to compute a funnel from.

    Its lines change nothing, so that they and the README's tour are in nobody's way.
    """
    project = f"{url}/api/projects/{first.project_id}"
    lines = [
        "",
        f"  Open            {url}/  (in a browser: its insights, and the API)",
        f"  API key         {key}",
        "                  Shown this once; `recount keys create` makes another.",
        f"  Project         {first.project_id}  (capture token {first.project_token})",
        f"  Stop            Ctrl-C; everything is kept in {folder}",
        "",
        'For "A first tour" in README.md, paste this into a second terminal:',
        "",
        f"export KEY={shlex.quote(key)} URL={shlex.quote(project)}",
        "",
    ]
    if demo:
        lines += [
            "Or see at once a funnel over the demo data of the last weeks:",
            "",
            _curl(f"{project}/insights/funnel/", key, _funnel_filter()),
            "",
        ]
    return "\n".join(lines)


def _funnel_filter() -> dict[str, object]:
    events = [{"id": step, "order": order} for order, step in enumerate(demo_insights.FUNNEL_STEPS)]
    return {"events": events, "date_from": "-30d"}


def _curl(url: str, key: str, body: dict[str, object]) -> str:
    """One line for a shell."""
    authorized = f"Authorization: Bearer {key}"
    headers = ["-H", authorized, "-H", "Content-Type: application/json"]
    return shlex.join(["curl", "-sS", url, *headers, "-d", json.dumps(body)])
