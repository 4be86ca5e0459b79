"""The page on the API's own description, in a real browser."""

import os
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests import servers
from tests.browser.chromium import CHROMIUM, DRIVER, browser, complaints, requested
from tests.embedded.recount_process import serving

pytestmark = [
    pytest.mark.skipif(
        (CHROMIUM is None or DRIVER is None) and "CI" not in os.environ,
        reason="chromium and chromedriver are not installed",
    ),
    pytest.mark.timeout(240),
]


def test_every_group_of_endpoints_is_shown_without_a_warning_or_another_host() -> None:
    with (
        servers.server_folder() as folder,
        serving(folder / "data", "--no-demo") as served,
        browser(width=1100, height=900) as page,
    ):
        page.get(f"{served.url}/api/schema/swagger-ui/")
        WebDriverWait(page, 30).until(
            lambda shown: shown.find_elements(By.CSS_SELECTOR, ".opblock-tag")
        )
        groups = {each.text for each in page.find_elements(By.CSS_SELECTOR, ".opblock-tag a")}
        assert {"insights", "dashboards", "query"} <= groups
        assert page.find_elements(By.CSS_SELECTOR, ".version-pragma, .errors-wrapper") == []
        assert complaints(page) == []
        assert {urlsplit(url).netloc for url in requested(page)} == {urlsplit(served.url).netloc}
