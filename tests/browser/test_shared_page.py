"""The page of a shared insight in a real browser: what it shows, where, and what it loads."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests import servers
from tests.browser.chromium import CHROMIUM, DRIVER, browser, complaints, keep, overflow, requested
from tests.embedded.recount_process import serving

pytestmark = [
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
        reason="chromium and chromedriver are not installed",
    ),
    pytest.mark.timeout(240),
]

STEPS = ["$pageview", "signup form opened", "signed up", "project created"]
SERIES = [{"kind": "EventsNode", "event": event} for event in STEPS]
TRENDS = {"funnelVizType": "trends"}
CONVERSION_TIMES = {"funnelVizType": "time_to_convert"}


class Site(msgspec.Struct, frozen=True):
    """A running server with the demo data, and a key."""

    url: str
    key: str

    def call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = httpx.request(
            method,
            f"{self.url}/api/projects/1/insights/{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            json=body,
        )
        assert answer.status_code < 300, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def share(self, funnel: dict[str, Any], **sharing: Any) -> tuple[str, int]:
        """The page's URL and the insight's number."""
        source = {
            "kind": "FunnelsQuery",
            "series": SERIES,
            "dateRange": {"date_from": "-30d"},
            **funnel,
        }
        made = self.call(
            "POST",
            "",
            {"name": "From visit to project", "description": "Demo data", "query": source},
        )
        shared = self.call("PATCH", f"{made['id']}/sharing/", {"enabled": True, **sharing})
        return f"{self.url}/shared/{shared['access_token']}", made["id"]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with servers.server_folder() as folder, serving(folder / "data") as served:
        (key, *_) = re.findall(r"phx_[\w-]+", served.printed)
        yield Site(served.url, key)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go; RECOUNT_PICTURES keeps them."""
    chosen = os.environ.get("RECOUNT_PICTURES")
    return Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_the_funnel_is_readable_on_any_screen_and_loads_nothing_else(
    site: Site, pictures: Path, width: int, dark: bool
) -> None:
    url, _ = site.share({})
    with browser(width=width, height=800, dark=dark) as page:
        page.get(url)
        names = [each.text for each in page.find_elements(By.CSS_SELECTOR, ".step .name")]
        assert names == [f"{number}. {step}" for number, step in enumerate(STEPS, start=1)]
        widths = [bar.rect["width"] for bar in page.find_elements(By.CSS_SELECTOR, "rect.bar")]
        assert widths == sorted(widths, reverse=True)
        assert widths[0] > 2 * widths[-1] > 0
        assert overflow(page) <= 0
        assert luminance(page) < 0.2 if dark else luminance(page) > 0.8
        assert complaints(page) == []
        hosts = {urlsplit(asked).netloc for asked in requested(page)}
        assert hosts == {urlsplit(url).netloc}
        keep(page, pictures, f"funnel-{width}-{'dark' if dark else 'light'}")


@pytest.mark.parametrize(
    ("name", "look", "drawn"),
    [
        ("trends", TRENDS, "polyline.line"),
        ("conversion-times", CONVERSION_TIMES, "rect.bar"),
    ],
)
def test_other_views_have_a_picture_and_its_numbers(
    site: Site, pictures: Path, name: str, look: dict[str, Any], drawn: str
) -> None:
    url, _ = site.share({"funnelsFilter": look})
    with browser(width=800, height=900) as page:
        page.get(url)
        assert page.find_elements(By.CSS_SELECTOR, drawn)
        assert page.find_elements(By.CSS_SELECTOR, "table caption")
        assert len(page.find_elements(By.CSS_SELECTOR, "tbody tr")) > 2
        assert overflow(page) <= 0
        assert complaints(page) == []
        keep(page, pictures, name)


def test_a_reader_without_eyes_or_mouse_gets_everything(site: Site) -> None:
    url, _ = site.share({"funnelsFilter": TRENDS})
    with browser(width=800, height=900) as page:
        page.get(url)
        assert page.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
        assert len(page.find_elements(By.TAG_NAME, "h1")) == 1
        for picture in page.find_elements(By.CSS_SELECTOR, "svg"):
            hidden = picture.get_attribute("aria-hidden") == "true"
            assert hidden or picture.get_attribute("aria-label")
        page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        assert page.switch_to.active_element.get_attribute("role") == "region"


def enter(page: Chrome, password: str) -> None:
    """Into the field that a person who begins to type is in: a moment after the page is there."""
    WebDriverWait(page, 30).until(
        lambda _: page.switch_to.active_element.get_attribute("id") == "password"
    )
    page.switch_to.active_element.send_keys(password, Keys.ENTER)


def test_a_password_is_asked_for_and_opens_the_page(site: Site, pictures: Path) -> None:
    url, number = site.share({}, password_required=True)
    site.call("POST", f"{number}/sharing/passwords/", {"raw_password": "correct horse"})
    with browser(width=500, height=700) as page:
        page.get(url)
        keep(page, pictures, "locked")
        enter(page, "battery staple")
        WebDriverWait(page, 30).until(lambda _: page.find_elements(By.CSS_SELECTOR, "[role=alert]"))
        alert = page.find_element(By.CSS_SELECTOR, "[role=alert]")
        assert alert.text == "That is not the password."
        enter(page, "correct horse")
        WebDriverWait(page, 30).until(lambda _: page.find_elements(By.CSS_SELECTOR, ".step"))
        assert page.current_url == url
        page.refresh()
        assert page.find_elements(By.CSS_SELECTOR, ".step")
        assert [line for line in complaints(page) if "favicon" not in line] == []


def test_other_sites_may_frame_the_embedded_page_and_not_the_shared_one(
    site: Site, tmp_path: Path
) -> None:
    url, _ = site.share({})
    with elsewhere(tmp_path) as outside, browser(width=800, height=600) as page:
        for kind, shown in (("embedded", True), ("shared", False)):
            framed = url.replace("/shared/", f"/{kind}/")
            (tmp_path / f"{kind}.html").write_text(f'<iframe src="{framed}"></iframe>')
            page.get(f"{outside}{kind}.html")
            page.switch_to.frame(0)
            assert bool(page.find_elements(By.CSS_SELECTOR, ".step")) is shown
            page.switch_to.default_content()


@contextmanager
def elsewhere(folder: Path) -> Iterator[str]:
    """Another site, which serves this folder."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def luminance(page: Chrome) -> float:
    """Of the background: 0 black, 1 white."""
    colour = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
