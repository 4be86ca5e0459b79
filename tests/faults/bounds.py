"""How long a promise may be broken by a fault: the table of the faults, as numbers.

Judged by `make faults` alone, on a machine that has little else to do; losses and doubles are
never allowed, and judged everywhere.
"""

from collections.abc import Mapping

from tests.faults.faults import Name
from tests.faults.operations import PROMISES, Promise

# A promise that a fault leaves alone has gaps, too: clients pause, and this machine does much else.
NOISE_SECONDS = 3.0

Bounds = Mapping[Promise, float]

_ALL = tuple(PROMISES)
_OF_EVENTS: tuple[Promise, ...] = ("capture", "numbers", "computations")


def _each(promises: tuple[Promise, ...], seconds: float) -> dict[Promise, float]:
    return dict.fromkeys(promises, seconds)


# Beyond the time in which the server is away.
_AFTERWARDS: Mapping[Name, Bounds] = {
    "PostgreSQL killed": _each(_ALL, 5),
    "PostgreSQL restarted": _each(_ALL, 5),
    "PostgreSQL frozen": _each(_ALL, 10),
    "NATS quorum lost": {"capture": 7, "numbers": 10, "stream": 7},
    "NATS frozen": {"capture": 7, "numbers": 10, "stream": 7},
    "ClickHouse away": {"numbers": 10, "computations": 10},
    "ClickHouse frozen": {"numbers": 10, "computations": 10},
    "gateway killed": _each(tuple(each for each in _ALL if each != "stream"), 3),
    "disk full: PostgreSQL": _each(_ALL, 10),
    "disk full: NATS": {"capture": 7, "numbers": 10, "stream": 10},
}

# However long the fault lasts.
_WHATEVER: Mapping[Name, Bounds] = {
    "command killed": {"stream": 2},
    "command frozen": {"changes": 5},
    "command's cable hangs": {"changes": 5},
    "command's cable half open": {"changes": 5},
    "command's cable is slow": {"changes": 5},
    "query killed": {"computations": 12},
    "query frozen": {"computations": 12},
    "projector killed": {"own writes": 2, "numbers": 5},
    "projector frozen": {"own writes": 8, "numbers": 13},
    "NATS leader killed": {"capture": 7, "numbers": 10, "stream": 7},
    "clock an hour ahead": {},
    "standby behind": _each(_ALL, 30),
    "primary lost": _each(_ALL, 11),
}


def bound(fault: Name, promise: Promise, away: float) -> float:
    """Seconds. away: how long the fault lasted."""
    if fault in _AFTERWARDS:
        of_fault = _AFTERWARDS[fault]
        return of_fault[promise] + away if promise in of_fault else 0.0
    seconds = _WHATEVER[fault].get(promise, 0.0)
    if promise in ("own writes", "stream"):
        # Who writes nothing has nothing to read, and nothing to take.
        return max(seconds, bound(fault, "changes", away))
    return seconds
