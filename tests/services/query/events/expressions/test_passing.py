"""Expressions, judged by the engine: which events pass."""

from typing import Any

import pytest

from services.query.events.conditions import Expression
from tests.services.query.conftest import Events


@pytest.mark.parametrize(
    ("expression", "passing"),
    [
        ("properties.n > 4", [1]),
        ("properties.n = '5'", [1]),
        ("properties['n'] >= 4.0", [0, 1]),
        ("properties.plan = 'pro'", [0]),
        ("properties.plan != 'pro'", [1, 2, 3]),
        ("properties.plan like 'p%'", [0]),
        ("properties.plan not ilike 'P_O'", [1, 2, 3]),
        (r"concat(properties.plan, '\\') like '%o\\'", [0]),
        (r"concat(properties.plan, '\\') ilike concat('P%', '\\')", [0]),
        (r"concat(properties.plan, '\\') like concat('p%', '\\\\')", [0]),
        (r"concat(properties.plan, '%') like concat('pro', '\\', '%')", [0]),
        ("properties.plan in ('pro', 'free')", [0, 1]),
        ("properties.plan is null", [2, 3]),
        ("properties.plan = null", [2, 3]),
        ("properties.n is not null and not properties.plan = 'pro'", [1, 2]),
        ("properties.n + 1 = 5 or properties.n * 2 = 10", [0, 1]),
        ("-properties.n / 2 < -2", [1]),
        ("1 / 0 > 0", []),
        ("toFloat(properties.text) = 2.5", [2]),
        ("toInt(properties.text) = 2", [2]),
        ("toString(properties.n) = '4'", [0]),
        ("lower(properties.plan) = upper('pro')", []),
        ("upper(properties.plan) = 'PRO'", [0]),
        ("coalesce(properties.plan, 'none') = 'none'", [2, 3]),
        ("if(properties.n > 4, 'big', 'small') = 'big'", [1]),
        ("concat(properties.plan, '-', properties.n) = 'pro-4'", [0]),
        ("concat(properties.plan, 'x') = 'x'", [2, 3]),
        ("length(properties.plan) = 4", [1]),
        ("event = '1'", [1]),
        ("distinct_id = 'd2'", [2]),
        ("timestamp > '2024-01-10 11:00:00'", [0, 1, 2, 3]),
        ("timestamp < '2024-01-10'", []),
        ("properties.ok", [0]),
        ("properties.ok = true", [0]),
        ("not properties.ok", [1, 2, 3]),
        ("true", [0, 1, 2, 3]),
        ("person_id is null", []),
        ("'it''s' = 'it\\'s'", [0, 1, 2, 3]),
        ('properties."a b" = 1', [3]),
        ("properties.`a b` = 1", [3]),
        ("(properties.n > 4) = true", [1]),
        ("person.properties.age is null", [0, 1, 2, 3]),
        ("person.properties.age is null and properties.n = 4", [0]),
    ],
)
def test_expressions_of_the_subset(
    events: Events, team: int, expression: str, passing: list[int]
) -> None:
    sent: list[dict[str, Any]] = [
        {"n": 4, "plan": "pro", "ok": True},
        {"n": 5, "plan": "free", "ok": False},
    ]
    events.add(team, *sent, {"n": 1, "text": "2.5"}, {"a b": 1})
    assert events.passing(team, Expression(expression)) == passing
