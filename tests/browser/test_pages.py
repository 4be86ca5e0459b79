"""The pages of a project in a real browser: the way in, what they show, and what they load."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests import servers
from tests.browser.chromium import CHROMIUM, DRIVER, browser, complaints, keep, overflow, requested
from tests.browser.test_shared_page import Site, luminance
from tests.embedded.recount_process import serving

pytestmark = [
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
        reason="chromium and chromedriver are not installed",
    ),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The demo data; its first insight was renamed."""
    with servers.server_folder() as folder, serving(folder / "data") as served:
        (key, *_) = re.findall(r"phx_[\w-]+", served.printed)
        site = Site(served.url, key)
        site.call("PATCH", "1/", {"name": "Visits and sign-ups"})
        yield site


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go; RECOUNT_PICTURES keeps them."""
    chosen = os.environ.get("RECOUNT_PICTURES")
    return Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")


def sign_in(page: Chrome, site: Site) -> None:
    page.get(site.url)
    assert page.current_url == f"{site.url}/login/"
    page.switch_to.active_element.send_keys(site.key, Keys.ENTER)
    WebDriverWait(page, 30).until(lambda _: "/projects/" in page.current_url)
    assert page.find_element(By.TAG_NAME, "h1").text == "Insights"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_the_pages_fit_any_screen_and_load_nothing_from_elsewhere(
    site: Site, pictures: Path, width: int, dark: bool
) -> None:
    with browser(width=width, height=900, dark=dark) as page:
        sign_in(page, site)
        for name in ("insights", "insight", "compare"):
            if name == "insight":
                page.find_element(By.LINK_TEXT, "Visits and sign-ups").click()
                assert page.find_elements(By.CSS_SELECTOR, ".step")
            if name == "compare":
                page.find_element(By.PARTIAL_LINK_TEXT, "compare with").click()
                assert len(page.find_elements(By.CSS_SELECTOR, ".sides > section .steps")) == 2
            assert overflow(page) <= 0, name
            assert luminance(page) < 0.2 if dark else luminance(page) > 0.8
            keep(page, pictures, f"{name}-{width}-{'dark' if dark else 'light'}")
        assert complaints(page) == []
        assert {urlsplit(url).netloc for url in requested(page)} == {urlsplit(site.url).netloc}


def test_the_activity_is_live(site: Site, pictures: Path) -> None:
    with browser(width=1000, height=1100) as page:
        sign_in(page, site)
        page.find_element(By.LINK_TEXT, "Activity").click()
        told(page, "Live.")
        site.call("PATCH", "2/", {"name": "Visitors by their source"})
        told(page, "1 new fact since you came.")
        newest = page.find_element(By.CSS_SELECTOR, "#live ol li strong").text
        assert newest == "insight renamed"
        assert overflow(page) <= 0
        assert complaints(page) == []
        keep(page, pictures, "activity")


def told(page: Chrome, words: str) -> None:
    WebDriverWait(page, 30).until(
        lambda _: page.find_element(By.ID, "status").text == words, f"it never said {words}"
    )


def test_the_keyboard_and_a_screen_reader_get_everything(site: Site) -> None:
    with browser(width=1000, height=900) as page:
        sign_in(page, site)
        page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        assert page.switch_to.active_element.text == "Skip to the content"
        for picture in page.find_elements(By.CSS_SELECTOR, "svg"):
            hidden = picture.get_attribute("aria-hidden") == "true"
            assert hidden or picture.get_attribute("aria-label")
        for entry in page.find_elements(By.CSS_SELECTOR, "input:not([hidden])"):
            label = f"label[for={entry.get_attribute('id')}]"
            assert page.find_elements(By.CSS_SELECTOR, label)
        page.find_element(By.ID, "q").send_keys("sources", Keys.ENTER)
        WebDriverWait(page, 30).until(lambda _: "q=sources" in page.current_url)
        assert page.find_element(By.CSS_SELECTOR, "[role=status]").text.startswith("1 insight")
        assert page.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"


def test_signing_out_closes_the_pages(site: Site) -> None:
    with browser(width=1000, height=900) as page:
        sign_in(page, site)
        page.find_element(By.XPATH, "//button[text()='Sign out']").click()
        assert page.current_url == f"{site.url}/login/"
        page.get(f"{site.url}/projects/1/")
        assert page.current_url == f"{site.url}/login/"
    assert httpx.get(f"{site.url}/projects/1/").status_code == 303
