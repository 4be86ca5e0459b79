"""How budgets are spelled, and how a window that slides is told."""

import pytest

from services.common.http.budgets import Budget, Budgets, BudgetUse, headers, parse

MINUTE = Budget(240, 60)
HOUR = Budget(1200, 3600)


def test_budgets_are_spelled_as_requests_per_time() -> None:
    assert parse("240/m 1200/h") == (MINUTE, HOUR)
    assert parse("3/s") == (Budget(3, 1),)
    assert parse(" ") == ()


@pytest.mark.parametrize("text", ["240", "0/m", "-1/m", "240/d", "m/240", "240/m,1200/h"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no budget"):
        parse(text)


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/projects/1/insights/", "insights"),
        ("/api/projects/1/insights/7/viewed/", "insights"),
        ("/api/projects/1/persons/funnel/", "insights"),
        ("/api/projects/1/query/", "insights"),
        ("/api/projects/1/dashboards/", "others"),
        ("/api/users/@me/", "others"),
    ],
)
def test_a_path_belongs_to_a_group(path: str, group: str) -> None:
    budgets = Budgets(insights=(MINUTE,), others=(HOUR,))
    assert budgets.of(path) == (group, (MINUTE,) if group == "insights" else (HOUR,))


@pytest.mark.parametrize(
    ("used", "before", "elapsed", "left", "wait"),
    [
        (0, 0, 0.0, 240, 0),
        (239, 0, 30.0, 1, 0),
        # Half of the window before still lies within the last minute.
        (100, 200, 30.0, 40, 0),
        (140, 200, 30.0, 0, 1),
        (240, 0, 0.0, 0, 61),
        (240, 0, 59.0, 0, 2),
        (0, 240, 0.0, 0, 1),
        # 240 of the window before fade by 4 a second: 40 of them in 10 seconds.
        (40, 240, 0.0, 0, 11),
    ],
)
def test_a_window_slides(used: int, before: int, elapsed: float, left: int, wait: int) -> None:
    spent = BudgetUse(MINUTE, used, before, elapsed)
    assert (spent.left, spent.wait_seconds) == (left, wait)


def test_after_the_wait_that_is_told_a_request_fits() -> None:
    for used in range(0, 241, 7):
        for before in range(0, 241, 7):
            for elapsed in (0.0, 1.5, 30.0, 59.9):
                wait = BudgetUse(MINUTE, used, before, elapsed).wait_seconds
                then = elapsed + wait
                later = (
                    BudgetUse(MINUTE, used, before, then)
                    if then < 60
                    else BudgetUse(MINUTE, 0, used, then - 60)
                )
                assert later.elapsed >= 60 or later.wait_seconds == 0, (used, before, elapsed)


def test_the_budget_that_has_the_least_left_is_told() -> None:
    told = headers([BudgetUse(MINUTE, 10, 0, 15.0), BudgetUse(HOUR, 1190, 0, 600.0)])
    assert told == {
        "RateLimit-Policy": '"240-in-60s";q=240;w=60, "1200-in-3600s";q=1200;w=3600',
        "RateLimit": '"1200-in-3600s";r=10;t=3000',
    }


def test_what_was_spent_fades_while_nothing_is_spent() -> None:
    spent = BudgetUse(MINUTE, used=240, before=60, elapsed=15.0)
    assert spent.later(30) == BudgetUse(MINUTE, used=240, before=60, elapsed=45.0)
    assert spent.later(60) == BudgetUse(MINUTE, used=0, before=240, elapsed=15.0)
    assert spent.later(120) == BudgetUse(MINUTE, used=0, before=0, elapsed=15.0)
    waits = [spent.later(seconds).wait_seconds for seconds in range(spent.wait_seconds)]
    assert waits == [spent.wait_seconds - passed for passed in range(spent.wait_seconds)]
