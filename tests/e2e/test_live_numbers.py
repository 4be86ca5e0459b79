"""Released SDKs capture, and the funnel is asked for at once and again, with no `refresh`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from tests import servers
from tests.browser.chromium import CHROMIUM, DRIVER, browser
from tests.contracts.schemathesis_run import new_key
from tests.e2e.node_packages import installed
from tests.embedded.recount_process import serving
from tests.waiting import until

HERE = Path(__file__).parent
PATIENCE_SECONDS = 10.0
"""Five times what is promised: this machine may be busy with other tests."""

Events = Sequence[tuple[str, str]]
Capture = Callable[[Events], None]


class Site(msgspec.Struct, frozen=True):
    """A running server. token: of project 1. key: for everything."""

    url: str
    token: str
    key: str

    def funnel(self, *events: str) -> list[int]:
        """How many came to each step, as it is told to whoever asks without a mode."""
        answer = httpx.post(
            f"{self.url}/api/projects/@current/insights/funnel/",
            json={"events": [{"id": event, "order": n} for n, event in enumerate(events)]},
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=60,
        )
        answer.raise_for_status()
        return [step["count"] for step in answer.json()["result"]]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as served:
        key = new_key(folder / "data")
        project = httpx.get(
            f"{served.url}/api/projects/@current/", headers={"Authorization": f"Bearer {key}"}
        )
        yield Site(served.url, project.json()["api_token"], key)


def numbers_follow(site: Site, capture: Capture, sdk: str) -> None:
    """Three rounds: what was captured is in the numbers, whatever was asked before."""
    steps = (f"{sdk} signed up", f"{sdk} paid")

    def right(wanted: list[int]) -> None:
        until(lambda: site.funnel(*steps) == wanted, f"it is {wanted}", PATIENCE_SECONDS)

    right([0, 0])
    capture([(steps[0], f"{sdk}-ada"), (steps[0], f"{sdk}-bob"), (steps[1], f"{sdk}-ada")])
    right([2, 1])
    capture([(steps[1], f"{sdk}-bob")])
    right([2, 2])
    capture([(f"{sdk} looked", f"{sdk}-ada"), (steps[0], f"{sdk}-cy")])
    right([3, 2])


@contextmanager
def program(command: Sequence[str], folder: Path | None = None) -> Iterator[Capture]:
    """An application that captures what it is told to, and goes on running."""
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, answers = process.stdin, process.stdout

        def capture(events: Events) -> None:
            told.write(f"{json.dumps(events)}\n")
            told.flush()
            assert answers.readline() == "sent\n"

        try:
            yield capture
        finally:
            process.kill()


def test_what_posthog_python_captures_is_in_the_next_numbers(site: Site) -> None:
    with program([sys.executable, str(HERE / "live_capture.py"), site.url, site.token]) as capture:
        numbers_follow(site, capture, "python")


def test_what_posthog_node_captures_is_in_the_next_numbers(site: Site, tmp_path: Path) -> None:
    node = installed(tmp_path, "posthog-node@5.70.0")
    shutil.copy(HERE / "live_capture.mjs", tmp_path)
    with program([node, "live_capture.mjs", site.url, site.token], tmp_path) as capture:
        numbers_follow(site, capture, "node")


@pytest.mark.skipif(
    (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
    reason="chromium and chromedriver are not installed",
)
@pytest.mark.timeout(240)
def test_what_posthog_js_captures_in_a_page_is_in_the_next_numbers(
    site: Site, tmp_path: Path
) -> None:
    installed(tmp_path, "posthog-js@1.449.2")
    shutil.copy(HERE / "live_capture.html", tmp_path / "index.html")
    with _served(tmp_path) as origin, browser(width=800, height=600) as page:
        page.get(f"{origin}/?{urlencode({'url': site.url, 'token': site.token})}")
        until(lambda: bool(page.execute_script("return window.ready")), "the SDK is loaded")
        capture = partial(page.execute_script, "window.happened(arguments[0])")
        numbers_follow(site, capture, "js")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Another origin than the server's, as a site is."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
