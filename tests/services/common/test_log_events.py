"""Log lines are events of one closed list, each with a meaning, and nothing else is logged."""

import ast
from collections.abc import Iterator
from typing import get_args

from services.common.log_events import MEANINGS, LogEvent
from tests.sources import SOURCES

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Of `log.warning(…)` and its like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            speaker, level = node.func.value, node.func.attr
            if isinstance(speaker, ast.Name) and speaker.id == "log" and level in LEVELS:
                yield node


def test_every_event_has_one_meaning() -> None:
    assert list(get_args(LogEvent)) == sorted(MEANINGS)
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())
    assert len(set(MEANINGS.values())) == len(MEANINGS)


def test_what_is_logged_is_in_the_list_and_what_is_in_the_list_is_logged() -> None:
    told: set[str] = set()
    for source in SOURCES:
        for call in calls(ast.parse(source.read_text())):
            where = f"{source}:{call.lineno}"
            match call.args:
                case [ast.Constant(value=str(event))]:
                    told.add(event)
                case _:
                    raise AssertionError(f"{where}: an event's name, then fields by keyword")
            assert event in MEANINGS, where
    assert told == set(MEANINGS)


def test_no_other_logger_is_made() -> None:
    makers = [
        source.name
        for source in SOURCES
        if "getLogger(" in source.read_text() or "get_logger(" in source.read_text()
    ]
    assert makers == ["logs.py"]
