"""The page on the API's own description, in a real browser."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from services.common.http.schema.routes import BROWSER
from tests import servers
from tests.browser.chromium import CHROMIUM, DRIVER, browser, complaints, keep, overflow, requested
from tests.embedded.recount_process import Served, serving

pytestmark = [
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
        reason="chromium and chromedriver are not installed",
    ),
    pytest.mark.timeout(240),
]


INSIGHTS, CREATE = "#operations-tag-insights", "#operations-insights-create_insight"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as running:
        yield running


def test_every_group_of_endpoints_is_shown_without_a_warning_or_another_host(
    served: Served,
) -> None:
    with browser(width=1100, height=900) as page:
        page.get(f"{served.url}{BROWSER}")
        shown(page, ".opblock-tag")
        groups = {each.text for each in page.find_elements(By.CSS_SELECTOR, ".opblock-tag a")}
        assert {"insights", "dashboards", "query"} <= groups
        assert "environments" not in groups
        assert page.find_elements(By.CSS_SELECTOR, ".version-pragma, .errors-wrapper") == []
        assert complaints(page) == []
        assert {urlsplit(url).netloc for url in requested(page)} == {urlsplit(served.url).netloc}


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_an_example_is_sent_as_it_stands_and_the_page_fits_its_window(
    served: Served, tmp_path: Path, width: int
) -> None:
    (key,) = re.findall(r"phx_[\w-]+", served.printed.partition("Shown this once")[0])
    with browser(width=width, height=900) as page:
        page.get(f"{served.url}{BROWSER}")
        press(page, ".btn.authorize")
        shown(page, "#auth-bearer-value").send_keys(key)
        press(page, ".auth-btn-wrapper .authorize")
        page.refresh()
        press(page, f"{INSIGHTS} .expand-operation")
        press(page, f"{CREATE} .opblock-summary-control")
        press(page, f"{CREATE} .try-out__btn")
        assert overflow(page) <= 0
        press(page, f"{CREATE} .execute")
        status = shown(page, f"{CREATE} .live-responses-table .response .response-col_status")
        WebDriverWait(page, 30).until(lambda _: status.text == "201")
        assert overflow(page) <= 0
        page.execute_script(f"document.querySelector('{CREATE}').scrollIntoView()")
        keep(page, tmp_path, f"api-{width}")
        assert complaints(page) == []


def shown(page: Chrome, selector: str) -> WebElement:
    return WebDriverWait(page, 30).until(lambda each: each.find_element(By.CSS_SELECTOR, selector))


def press(page: Chrome, selector: str) -> None:
    """Wherever it is: the page scrolls by itself after some presses."""
    page.execute_script("arguments[0].click()", shown(page, selector))
