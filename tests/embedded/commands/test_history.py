"""`recount history link`: what is printed, and what it needs."""

import re
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from services.embedded.cli import recount
from tests import servers
from tests.embedded.recount_process import serving


@pytest.mark.timeout(240)
def test_the_link_opens_the_pages_once_while_its_key_lives() -> None:
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as served:
        asked = ["history", "link", "--project", "1", "--data-dir", str(folder / "data")]
        printed = CliRunner().invoke(recount, asked)
        assert printed.exit_code == 0, printed.output
        url = printed.stdout.strip()
        assert url.startswith(f"{served.url}/login/?link=")
        assert re.search(r"once, within 10 minutes; key id \S+", printed.stderr)
        secret = url.partition("link=")[2]
        with httpx.Client(base_url=served.url) as browser:
            assert secret in browser.get(url).text
            opened = browser.post("/login/", data={"link": secret})
            assert opened.headers["location"] == "/projects/1/"
            assert "Default project" in browser.get("/projects/1/").text
        again = httpx.post(f"{served.url}/login/", data={"link": secret})
        assert again.headers["location"] == "/login/?wrong=link"


def test_without_a_data_folder_it_says_so(tmp_path: Path) -> None:
    asked = ["history", "link", "--data-dir", str(tmp_path / "none")]
    assert CliRunner().invoke(recount, asked).exit_code == 1
