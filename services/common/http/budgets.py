"""Budgets of requests, for each key and each project: their settings, and the headers that show
them.
"""

import math
import re
from collections.abc import Sequence

import msgspec

_SPELLED = re.compile(r"(?P<requests>[1-9]\d{0,8})/(?P<per>[smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class Budget(msgspec.Struct, frozen=True):
    """So many requests within any so many seconds."""

    requests: int
    seconds: int

    @property
    def name(self) -> str:
        return f"{self.requests}-in-{self.seconds}s"


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """insights: of what reads, writes or computes insights. others: of everything else with a key.

    Each key has them, and each project has them for all its keys together. None: not limited.
    """

    insights: tuple[Budget, ...] = ()
    others: tuple[Budget, ...] = ()

    @property
    def limited(self) -> bool:
        return bool(self.insights or self.others)

    def of(self, path: str) -> tuple[str, tuple[Budget, ...]]:
        """The name of the group a path belongs to, and its budgets."""
        if any(word in path for word in ("/insights", "/funnel", "/query")):
            return "insights", self.insights
        return "others", self.others


UNLIMITED = Budgets()


def parse(text: str) -> tuple[Budget, ...]:
    """`240/m 1200/h`: 240 within a minute and 1,200 within an hour; empty: not limited.

    Raises ValueError for anything else.
    """
    found = []
    for word in text.split():
        spelled = _SPELLED.fullmatch(word)
        if spelled is None:
            raise ValueError(f"{word!r} is no budget: 240/m and 1200/h are")
        found.append(Budget(int(spelled["requests"]), _SECONDS[spelled["per"]]))
    return tuple(found)


class BudgetUse(msgspec.Struct, frozen=True):
    """The use of a budget at `elapsed` seconds of the present window: in it, and in the one before.

    The window slides: of the one before counts what still lies within the last `seconds`.
    """

    budget: Budget
    used: int
    before: int
    elapsed: float

    def later(self, seconds: float) -> "BudgetUse":
        """The use so many seconds later, with nothing spent meanwhile."""
        passed, elapsed = divmod(self.elapsed + seconds, self.budget.seconds)
        if passed == 0:
            return BudgetUse(self.budget, self.used, self.before, elapsed)
        return BudgetUse(self.budget, 0, self.used if passed == 1 else 0, elapsed)

    @property
    def within(self) -> float:
        """The requests within the last `seconds`; those of the window before are taken as evenly
        spread.
        """
        return self.used + self.before * (1 - self.elapsed / self.budget.seconds)

    @property
    def left(self) -> int:
        return max(0, math.floor(self.budget.requests - self.within))

    @property
    def wait_seconds(self) -> int:
        """Until one more request fits; 0 when it does now."""
        room, window = self.budget.requests - 1, self.budget.seconds
        if self.within <= room:
            return 0
        if self.used <= room:
            # The rest of the window before has to fade.
            needed = 1 - (room - self.used) / self.before
            return max(1, math.ceil(needed * window - self.elapsed))
        # So has what is used now, when it is the window before.
        return max(1, math.ceil(window - self.elapsed + (1 - room / self.used) * window))


def headers(standing: Sequence[BudgetUse]) -> dict[str, str]:
    """RateLimit-Policy and RateLimit of the budget that has the least left."""
    tightest = min(standing, key=lambda spent: (spent.left, -spent.budget.seconds))
    policies = dict.fromkeys(
        f'"{spent.budget.name}";q={spent.budget.requests};w={spent.budget.seconds}'
        for spent in standing
    )
    reset = tightest.wait_seconds or math.ceil(tightest.budget.seconds - tightest.elapsed)
    return {
        "RateLimit-Policy": ", ".join(policies),
        "RateLimit": f'"{tightest.budget.name}";r={tightest.left};t={reset}',
    }
