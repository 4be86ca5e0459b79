"""No error of a server is caught without a word."""

import pytest

from tests import swallowed


def test_errors_of_servers_are_told() -> None:
    assert swallowed.untold() == []


def test_what_is_told_elsewhere_is_still_there() -> None:
    there = list(swallowed.found())
    for known in swallowed.TOLD_ELSEWHERE:
        assert any(where.startswith(known) for where in there), known


@pytest.mark.parametrize(
    ("text", "is_silent"),
    [
        ("try: ask()\nexcept OSError: pass", True),
        ("try: ask()\nexcept: pass", True),
        ("try: ask()\nexcept (ValueError, nats.errors.Error): return None", True),
        ("with contextlib.suppress(*CONNECTION_LOST): ask()", True),
        ("try: ask()\nexcept OSError as cause: raise Other from cause", False),
        ("try: ask()\nexcept OSError as cause: keep(cause)", False),
        ("try: ask()\nexcept OSError: log.warning('bus_away')", False),
        ("try: ask()\nexcept OSError: FAILED.labels('x').inc()", False),
        ("try: ask()\nexcept ValueError: return None", False),
        ("with contextlib.suppress(ValueError): ask()", False),
    ],
)
def test_a_silent_one_is_found(text: str, is_silent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Source:
        def relative_to(self, _: object) -> str:
            return "services/some.py"

        def read_text(self) -> str:
            return text

    monkeypatch.setattr(swallowed, "SOURCES", [Source()])
    assert bool(swallowed.untold()) is is_silent
