"""A service's process, before it serves."""

import gc
from collections.abc import Iterator

import pytest

from services.common.process import settle


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_is_loaded_before_serving_is_never_collected_again() -> None:
    loaded = len(gc.get_objects())

    settle()

    assert len(gc.get_objects()) < loaded / 100
    assert gc.get_freeze_count() > loaded / 2
