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
from tests.browser.test_shared_page import SERIES, Site, luminance
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
    page.find_element(By.ID, "key").send_keys(site.key, Keys.ENTER)
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
                page.find_element(By.PARTIAL_LINK_TEXT, "Compare with").click()
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_a_change_is_taken_back_once_one_has_seen_what_that_means(
    site: Site, pictures: Path, width: int, dark: bool
) -> None:
    number = edited_twice(site)
    look = f"{width}-{'dark' if dark else 'light'}"
    with browser(width=width, height=900, dark=dark) as page:
        sign_in(page, site)
        page.get(f"{site.url}/projects/1/insights/{number}/")
        page.find_element(By.PARTIAL_LINK_TEXT, "Undo version 3").click()
        assert heading(page) == "This can't be undone as a whole"
        assert page.find_element(By.CSS_SELECTOR, ".conflicts h3").text == "name"
        looked_at(page, pictures, f"in-the-way-{look}")
        page.find_element(By.LINK_TEXT, "Look at undoing the rest").click()
        assert heading(page) == "Undo version 3?"
        looked_at(page, pictures, f"undo-{look}")
        page.find_element(By.CSS_SELECTOR, "main button").send_keys(Keys.ENTER)
        WebDriverWait(page, 30).until(lambda _: "made=" in page.current_url)
        done = page.find_element(By.CSS_SELECTOR, ".done")
        assert done.text.startswith("Done: version")
        looked_at(page, pictures, f"versions-{look}")
        page.execute_script("scrollTo(0, 0)")
        looked_at(page, pictures, f"done-{look}")
        page.find_element(By.PARTIAL_LINK_TEXT, "Back to version 1").click()
        assert heading(page) == "Put it back to version 1?"
        looked_at(page, pictures, f"revert-{look}")
        site.call("PATCH", f"{number}/", {"description": "Meanwhile"})
        page.find_element(By.CSS_SELECTOR, "main button").click()
        WebDriverWait(page, 30).until(
            lambda _: heading(page) == "Something has changed since you looked"
        )
        looked_at(page, pictures, f"moved-{look}")
        page.find_element(By.PARTIAL_LINK_TEXT, "Look at what would").click()
        page.find_element(By.CSS_SELECTOR, "main button").click()
        WebDriverWait(page, 30).until(lambda _: heading(page) == "Sign-ups")
        # A refused form is told by its status, which browsers put there, too.
        told = [each for each in complaints(page) if "status of 4" not in each]
        assert told == []


def edited_twice(site: Site) -> int:
    """An insight that lost two steps and its name, which was changed again since."""
    query = {"kind": "FunnelsQuery", "series": SERIES, "dateRange": {"date_from": "-30d"}}
    number = int(site.call("POST", "", {"name": "Sign-ups", "query": query})["id"])
    short = {"name": "Visits to sign-ups", "query": {**query, "series": SERIES[:2]}}
    site.call("PATCH", f"{number}/", short)
    site.call("PATCH", f"{number}/", {"name": "From a visit to a sign-up"})
    return number


def heading(page: Chrome) -> str:
    """Empty while the next page is on its way."""
    found: str = page.execute_script("return document.querySelector('h1')?.textContent ?? ''")
    return found


def looked_at(page: Chrome, pictures: Path, name: str) -> None:
    assert overflow(page) <= 0, name
    keep(page, pictures, name)


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
