"""Starts writers of the log in processes of their own, and hears what they say."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import msgspec

from tests.services.common.log.log_process import Dying, Orders, Ready, Said

ROOT = Path(__file__).parents[4]

decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


class WriterProcess:
    """One such process; `go` lets it begin, `said` follows it.

    A thread listens, so that a full pipe never holds the process up with the log's lock in hand.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def next(self) -> Said | None:
        """None when it has ended."""
        return decoder.decode(line) if (line := self._lines.get()) else None

    def said(self) -> list[Said]:
        """All that it still says until its end, which is either clean or by a SIGKILL."""
        heard: list[Said] = []
        while (each := self.next()) is not None:
            heard.append(each)
        assert self._process.wait() in (0, -signal.SIGKILL)
        return heard

    def kill(self) -> None:
        self._process.kill()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")


@contextmanager
def writer_process(url: str, orders: Orders) -> Iterator[WriterProcess]:
    """Ready to go when the block begins."""
    command = [
        *(sys.executable, "-m", "tests.services.common.log.log_process"),
        *(url, msgspec.json.encode(orders).decode()),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            running = WriterProcess(process)
            assert running.next() == Ready()
            yield running
        finally:
            process.kill()


def died_at(point: str, said: list[Said]) -> bool:
    return said[-1:] == [Dying(point)]
