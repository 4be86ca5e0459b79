"""Every fault once, under all workloads: `make faults`.

python -m tests.faults.run --fault "command killed" --seconds 15
python -m tests.faults.run --soak 3600

Writes one line per fault to docs/faults.md. Exits with 1 when a checker complains, a fault is not
proven, or a promise was broken for longer than the table of bounds allows.
"""

import os
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import psutil
import rich_click as click
from rich.console import Console
from rich.progress import Progress

from tests.faults.bounds import NOISE_SECONDS, bound
from tests.faults.checkers import complaints
from tests.faults.cluster import Cluster, Kind, deployed
from tests.faults.disks import CannotMount
from tests.faults.driving import Driver, driving
from tests.faults.faults import FAULTS, OF_PAIRS, Name
from tests.faults.operations import PROMISES, Promise
from tests.faults.report import Cell, Gap, write, write_soak

SECONDS = 15.0
WARM_UP_SECONDS = 600.0
MOST_GROWTH = 0.02
# Each of them alone can be had only where the machine allows it.
_OF_DISKS: tuple[Name, ...] = ("disk full: PostgreSQL", "disk full: NATS")
_OF_CLOCKS: tuple[Name, ...] = ("clock an hour ahead",)
_MOMENTS: tuple[Name, ...] = ("PostgreSQL restarted", "gateway killed")
"""Over at once: what was ended is started again."""


def kind_for(fault: Name) -> Kind:
    return Kind(pair=fault in OF_PAIRS, disks=fault in _OF_DISKS, clock=fault in _OF_CLOCKS)


def run(cluster: Cluster, fault: Name, seed: int, seconds: float) -> Cell:
    """One cell. seconds: that the fault lasts."""
    with driving(cluster, seed) as driver:
        driver.work(100)
        begun = time.monotonic()
        with FAULTS[fault](cluster, driver) as proof:
            time.sleep(0 if fault in _MOMENTS else seconds)
        over = time.monotonic()
        driver.well()
        end = time.monotonic()
        driver.work(50)
        seen = driver.finish()
        done = driver.driven.done
        outcomes = done.outcomes()
        return Cell(
            fault=fault,
            proof=proof,
            when=_when(),
            seed=seed,
            operations=len(outcomes),
            doubtful=outcomes.count("doubtful"),
            away=over - begun,
            complaints=complaints(done, seen),
            gaps=_gaps(driver, fault, begun, over, end),
        )


def _gaps(driver: Driver, fault: Name, begun: float, over: float, end: float) -> dict[Promise, Gap]:
    found: dict[Promise, Gap] = {}
    for promise in PROMISES:
        longest = driver.driven.gaps.longest(promise, begun, end)
        if longest is not None:
            most = bound(fault, promise, over - begun) + NOISE_SECONDS
            found[promise] = Gap(longest, most)
    return found


def failed(fault: Name, seed: int, why: str) -> Cell:
    """A cell that has no verdict."""
    return Cell(
        fault=fault,
        proof="–",
        when=_when(),
        seed=seed,
        operations=0,
        doubtful=0,
        away=0.0,
        complaints=[why],
        gaps={},
    )


def _when() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.0f}"


class Deployments:
    """One deployment at a time: the next fault gets the same, if it is of that kind and well."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._kind: Kind | None = None
        self._cluster: Cluster | None = None

    def of(self, kind: Kind) -> Cluster:
        """Raises CannotMount, LookupError."""
        if self._cluster is None or kind != self._kind or kind.pair:
            self.close()
            self._cluster = self._opened.enter_context(deployed(kind))
            self._kind = kind
        return self._cluster

    def close(self) -> None:
        self._opened.close()
        self._cluster = None


def cells(faults: Sequence[Name], seed: int, seconds: float, console: Console) -> list[Cell]:
    """In turn; each is written down as soon as it is there."""
    found: list[Cell] = []
    deployments = Deployments()
    with Progress(console=console) as bar:
        task = bar.add_task("faults", total=len(faults))
        for number, fault in enumerate(faults):
            bar.update(task, description=fault)
            try:
                cell = run(deployments.of(kind_for(fault)), fault, seed + number, seconds)
            except (CannotMount, LookupError) as missing:
                console.print(f"{fault}: skipped, {missing}")
                continue
            except Exception as cause:
                # What is left of that deployment shows nothing of the next fault.
                cell = failed(fault, seed + number, f"{type(cause).__name__}: {cause}"[:2000])
                deployments.close()
            found.append(cell)
            write(cell)
            _tell(cell, console)
            bar.advance(task)
    deployments.close()
    return found


def _tell(cell: Cell, console: Console) -> None:
    console.print(cell.line(), markup=False)
    for complaint in cell.complaints[:20]:
        console.print(f"  {complaint}", markup=False)


def soak(seed: int, seconds: float, console: Console) -> bool:
    """Random faults for so long; whether nothing was lost, and no process grew."""
    chance = random.Random(seed)
    faults = [fault for fault in FAULTS if kind_for(fault) == Kind()]
    begun = time.monotonic()
    before: dict[int, int] = {}
    wrong: list[str] = []
    times = 0
    with deployed() as cluster, Progress(console=console) as bar:
        task = bar.add_task("soak", total=seconds)
        while (passed := time.monotonic() - begun) < seconds:
            fault = chance.choice(faults)
            bar.update(task, description=fault, completed=passed)
            cell = run(cluster, fault, seed + times, chance.uniform(2, SECONDS))
            wrong += [f"{fault}: {complaint}" for complaint in cell.complaints]
            times += 1
            if not before and passed > WARM_UP_SECONDS:
                before = memory(cluster)
        grown = {pid: memory(cluster).get(pid, 0) / was - 1 for pid, was in before.items()}
    most = max(grown.values(), default=0.0)
    write_soak(
        f"{_when()}, seed {seed}: {times} faults in {seconds:.0f} s, {len(wrong)} complaints; of"
        f" {len(before)} processes the one that grew most after minute 10 grew by {most:.1%}."
    )
    for each in wrong[:20]:
        console.print(each, markup=False)
    return not wrong and most < MOST_GROWTH


def memory(cluster: Cluster) -> dict[int, int]:
    """Bytes, of each service's process by its number: one that was started again is another one."""
    return {
        service.process.pid: psutil.Process(service.process.pid).memory_info().rss
        for service in cluster.services.values()
    }


@click.command()
@click.option("--fault", "faults", multiple=True, type=click.Choice(list(FAULTS)), help="[all]")
@click.option("--seconds", default=SECONDS, show_default=True, help="How long a fault lasts.")
@click.option("--seed", default=20261201, show_default=True)
@click.option("--soak", "soaking", type=float, help="So many seconds of random faults instead.")
def main(faults: tuple[Name, ...], seconds: float, seed: int, soaking: float | None) -> None:
    """Faults in a whole deployment, and what became of what was promised."""
    console = Console(stderr=True)
    console.print(f"seed {seed}")
    if soaking is not None:
        raise SystemExit(not soak(seed, soaking, console))
    # Deployments of one kind one after the other.
    wanted = sorted(faults or FAULTS, key=lambda fault: str(kind_for(fault)), reverse=True)
    found = cells(wanted, seed, seconds, console)
    bad = [cell.fault for cell in found if cell.complaints or cell.late]
    if bad:
        console.print(f"not as it must be: {', '.join(bad)}")
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
