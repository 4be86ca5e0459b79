"""`recount settings`, and the page that it is printed into."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from services.common.settings import fields, variable
from services.embedded.cli import recount
from services.embedded.settings_list import KINDS, rows

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
SECRET = "never-to-be-shown"


def printed(*options: str) -> str:
    result = CliRunner().invoke(recount, ["settings", *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_page_is_what_the_command_prints(update: bool) -> None:
    text = printed("--markdown")
    if update:
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "pytest tests/embedded/commands/test_settings.py --update"


def test_each_setting_is_told_in_a_sentence() -> None:
    told = {(service, row.name): row for row in rows() for service in row.services}
    expected = {
        (service, field.name.upper()) for service, kind in KINDS.items() for field in fields(kind)
    }
    assert told.keys() == expected
    for row in told.values():
        assert row.means.endswith("."), row
        assert row.means[0].isupper() or row.means.startswith("`"), row


@pytest.mark.parametrize("options", [(), ("--markdown",)])
def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    for service, kind in KINDS.items():
        for field in fields(kind):
            monkeypatch.setenv(variable(service, field.name), SECRET)
    assert SECRET not in printed(*options)


@pytest.mark.parametrize("service", KINDS)
def test_secrets_are_marked(service: str) -> None:
    secrets = {row.name for row in rows() if service in row.services and "secret" in row.type}
    # A field that is called like one, or a URL that may carry one.
    expected = {
        field.name.upper()
        for field in fields(KINDS[service])
        if field.name.endswith(("_password", "_issuer", "_system_user"))
        or (field.name.endswith("_url") and not field.name.endswith("public_url"))
    }
    assert secrets == expected
