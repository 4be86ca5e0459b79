"""A time in an answer has one format, whatever its fraction."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

import contracts.api
from contracts.api.history import UndoOperations
from contracts.api.insights import InsightContext, ResultFields
from contracts.api.times import written
from contracts.api.webhooks import Attempt

# These say what a body is made of, or are read alone: they are never encoded themselves.
INGREDIENTS = {ResultFields, InsightContext, UndoOperations, Attempt}


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (datetime(2026, 11, 24, 8, 19, 34, 634823, UTC), "2026-11-24T08:19:34.634823Z"),
        (datetime(2026, 11, 24, 8, 19, 34, 0, UTC), "2026-11-24T08:19:34.000000Z"),
        (
            datetime(2026, 11, 24, 8, 19, 34, 5, timezone(timedelta(hours=1))),
            "2026-11-24T07:19:34.000005Z",
        ),
        (None, None),
    ],
)
def test_a_time_is_written_in_utc_with_six_digits(at: datetime | None, wanted: str | None) -> None:
    assert written(at) == wanted


def _structs() -> Iterator[type[msgspec.Struct]]:
    for module in pkgutil.iter_modules(contracts.api.__path__, "contracts.api."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, msgspec.Struct) and each.__module__ == module.name:
                yield each


def test_no_body_has_a_time_that_would_be_encoded_without_its_fraction() -> None:
    bodies = [each for each in _structs() if each not in INGREDIENTS]
    assert len(bodies) > 50
    for body in bodies:
        for name, hint in inspect.get_annotations(body).items():
            assert "datetime" not in str(hint), f"{body.__name__}.{name}"
