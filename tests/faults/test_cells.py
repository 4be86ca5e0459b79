"""Cells of the fault suite, each short; `make faults` runs all of them, and judges gaps, too."""

from collections.abc import Iterator

import pytest

from tests.e2e.deployment import CADDY
from tests.faults.checkers import complaints
from tests.faults.cluster import Cluster, Kind, deployed
from tests.faults.driving import driving
from tests.faults.faults import FAULTS, Name

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(CADDY is None, reason="there is no caddy; Debian has it as a package"),
]

CELLS: list[Name] = [
    "command killed",
    "projector frozen",
    "PostgreSQL killed",
    "NATS leader killed",
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with deployed() as running:
        yield running


@pytest.mark.parametrize("fault", CELLS)
def test_nothing_acknowledged_is_lost_or_doubled(cluster: Cluster, fault: Name) -> None:
    with driving(cluster, seed=20261201) as driver:
        driver.work(60)
        with FAULTS[fault](cluster, driver):
            driver.work(0, seconds=2)
        driver.well()
        seen = driver.finish()
        assert complaints(driver.driven.done, seen) == [], cluster.logs()


def test_a_standby_that_was_behind_gets_the_rest_from_the_stream() -> None:
    with deployed(Kind(pair=True)) as cluster, driving(cluster, seed=20261201) as driver:
        driver.work(60)
        with FAULTS["standby behind"](cluster, driver):
            driver.well()
        seen = driver.finish()
        assert complaints(driver.driven.done, seen) == [], cluster.logs()
