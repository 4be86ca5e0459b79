"""Formulas: how they are read, and what they come to (trends.md section 9)."""

import pytest

from contracts.queries.errors import InvalidQuery
from services.query.insights.trends.formulas import letters, parse, value

NUMBERS = (7, 2, 0)


def come_to(text: str) -> float:
    return value(parse(text, 3, "formula"), NUMBERS)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A", 7),
        ("a + B", 9),
        ("A - B - B", 3),
        ("A + B * 2", 11),
        ("(A + B) * 2", 18),
        ("A / B", 3.5),
        ("A % B", 1),
        ("-A % 4", 1),
        ("A ** B", 49),
        ("-A ** 2", -49),
        ("2 ** -B", 0.25),
        ("B ** B ** 3", 256),
        ("--A", 7),
        ("A * .5 + 1.", 4.5),
    ],
)
def test_a_formula_comes_to_a_number(text: str, number: float) -> None:
    assert come_to(text) == number


@pytest.mark.parametrize(
    "text",
    ["A / C", "A % C", "A / (B - B)", "C ** -1", "(0 - A) ** .5", "A ** A ** A ** A", "9**999*A"],
)
def test_what_has_no_number_is_zero(text: str) -> None:
    assert come_to(text) == 0


@pytest.mark.parametrize(
    "text",
    ["A ^ 2", "A B", "AB", "D", "sum(A)", "A +", "(A", "A)", "1", "1.5A", "A × B", "A,B", "A // B",
     "+A", "", "A" + "+A" * 600, "(" * 40 + "A" + ")" * 40],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse(text, 3, "trendsFilter__formula")
    assert (refused.value.code, refused.value.attr) == ("invalid_input", "trendsFilter__formula")


def test_a_formula_names_its_series() -> None:
    assert letters(parse("C / (a - C) * 2", 3, "formula")) == {0, 2}
