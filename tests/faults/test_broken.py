"""Each build that breaks a promise is found out by the checker of that promise: `make faults`."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.e2e.deployment import CADDY
from tests.faults.checkers import complaints
from tests.faults.cluster import Cluster, deployed
from tests.faults.driving import driving
from tests.faults.faults import FAULTS, Name
from tests.faults.workloads import Plan

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.faults,
    pytest.mark.skipif(CADDY is None, reason="there is no caddy; Debian has it as a package"),
]


class Case(msgspec.Struct, frozen=True):
    """A build, run as these services, and the words that a complaint must have.

    without: services that are not there meanwhile, so that all work is the broken one's.
    """

    build: str
    services: tuple[str, ...]
    says: str
    without: tuple[str, ...] = ()
    fault: Name | None = None
    plan: Plan = Plan(rebuilds=0)


EVENTS = Plan(registers=1, creations=0, views=0, own_writes=1, rebuilds=0, captures=4, funnels=0)

CASES = [
    Case(
        "no_precondition",
        ("command",),
        "was for version",
        plan=Plan(registers=6, own_writes=1, insights=1, rebuilds=0),
    ),
    Case(
        "ack_before_commit",
        ("command",),
        "was acknowledged and",
        without=("command 2",),
        fault="command killed",
    ),
    Case(
        "checkpoint_outside",
        ("projector",),
        "rows were other ones",
        without=("projector 2",),
        fault="projector killed",
    ),
    Case("no_expected_sequence", ("command", "command 2"), "the stream has"),
    Case("no_wait", ("query", "query 2"), "who had written", fault="projector frozen"),
    Case(
        "ack_before_durable",
        ("command",),
        "is acknowledged, and stored 0 times",
        without=("command 2",),
        fault="command killed",
        plan=EVENTS,
    ),
    Case("skip_one", ("projector",), "rows were other ones", without=("projector 2",)),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with deployed() as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.build)
def test_it_is_found_out(cluster: Cluster, case: Case) -> None:
    away = [cluster.services[name] for name in case.without]
    for service in away:
        service.end()
    for name in case.services:
        cluster.services[name].restart(case.build)
    try:
        with driving(cluster, 20261201, case.plan) as driver:
            driver.work(100)
            if case.fault is not None:
                with FAULTS[case.fault](cluster, driver):
                    driver.work(0, seconds=2)
                driver.work(20)
            found = complaints(driver.driven.done, driver.finish())
    finally:
        for name in (*case.services, *case.without):
            cluster.services[name].restart()
    assert any(case.says in complaint for complaint in found), found or cluster.logs()
