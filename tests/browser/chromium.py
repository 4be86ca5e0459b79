"""Debian's Chromium, driven: the pages as people meet them."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

# A root without a user namespace has no sandbox; the rest keeps the browser from calling home.
_SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def browser(*, width: int, height: int, dark: bool = False) -> Iterator[Chrome]:
    """A window of this size, with a profile of its own. dark: what the system prefers."""
    assert CHROMIUM is not None
    assert DRIVER is not None
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for switch in (*_SWITCHES, f"--window-size={width},{height}"):
        options.add_argument(switch)
    with tempfile.TemporaryDirectory() as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = Chrome(options=options, service=Service(DRIVER))
        try:
            _emulate(driver, width, height, dark)
            yield driver
        finally:
            driver.quit()


def _emulate(driver: Chrome, width: int, height: int, dark: bool) -> None:
    preference = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": preference})
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def requested(driver: Chrome) -> list[str]:
    """The URLs that pages have asked the network for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in _log(driver, "performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    # The browser's own pages have schemes of their own.
    return [url for url in urls if url.startswith(("http:", "https:"))]


def complaints(driver: Chrome) -> list[str]:
    """What the console says: errors, and what the policy blocked."""
    return [entry["message"] for entry in _log(driver, "browser")]


def _log(driver: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = driver.get_log(kind)  # type: ignore[no-untyped-call]  # selenium
    return entries


def overflow(page: Chrome) -> int:
    """Pixels by which the page is wider than its window."""
    wide: int = page.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


def keep(driver: Chrome, folder: Path, name: str) -> Path:
    """A screenshot to look at."""
    file = folder / f"{name}.png"
    driver.save_screenshot(str(file))
    return file
