"""Relations as text, and what they refuse."""

import pytest

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.relation import (
    KnownColumn,
    MentionedAgain,
    Relation,
    UnknownColumn,
    join,
    printed,
    statement,
    table,
    union,
)
from services.common.clickhouse.statement import Bindings

pytestmark = pytest.mark.anyio


def numbers() -> Relation:
    halves = table("numbers(6)", "number").only(n="number", half="intDiv(number, 2)")
    return halves.named("halves")


NUMBERS = numbers()


def test_named_parts_stand_in_a_chain_and_the_others_in_their_place() -> None:
    big = NUMBERS.where("n > 1").add(twice="2 * n").group("half", most="max(twice)").order("half")
    assert (
        printed(big)
        == """\
WITH
  halves AS (
    SELECT number AS n, intDiv(number, 2) AS half
    FROM numbers(6)
  )
SELECT half, max(twice) AS most
FROM (
  SELECT *, 2 * n AS twice
  FROM halves
  WHERE n > 1
)
GROUP BY half
ORDER BY half"""
    )


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        # A test means the column that was there when it was asked.
        (NUMBERS.where("n > 3").only(n="10 - n").order("n"), [(5,), (6,)]),
        (NUMBERS.only(n="10 - n").where("n > 8").order("n"), [(9,), (10,)]),
        (NUMBERS.change(n="n + 1").where("n = 6"), [(6, 2)]),
        (NUMBERS.without("half").order("n DESC", limit="1"), [(5,)]),
        (NUMBERS.add(s="sum(n) OVER ()").where("n = 1"), [(1, 0, 15)]),
        (NUMBERS.where("n = 2").each(e="range(n)").only("e").order("e"), [(0,), (1,)]),
        (NUMBERS.group(most="max(n)"), [(5,)]),
        (NUMBERS.group(most="max(n)").having("most > 5"), []),
        (NUMBERS.group("half", c="sum(n)").having("c > 5").in_order("c", "half"), [(9, 2)]),
        # A column that was made last hides the one that it was made of.
        (NUMBERS.only(n="10 - n").having("n > 8").order("n"), [(9,), (10,)]),
        (NUMBERS.swap("n", m="n * n").having("m > 20"), [(2, 25)]),
        (union(NUMBERS.only("half", "n"), NUMBERS.named("again")).group(c="count()"), [(12,)]),
        (
            join("INNER JOIN", "a.n = b.n", a=NUMBERS, b=numbers().where("half = 2").named("few"))
            .only(n="a.n", half="b.half")
            .order("n"),
            [(4, 2), (5, 2)],
        ),
    ],
)  # fmt: skip
async def test_the_engine_takes_it_so(
    clickhouse: ClickHouse, asked: Relation, rows: list[tuple[int, ...]]
) -> None:
    found = await clickhouse.query(statement(asked, Bindings()))
    assert [tuple(row) for row in found] == rows


async def test_a_relation_in_a_test_is_a_set_or_a_value(clickhouse: ClickHouse) -> None:
    few = table("numbers(3)", "number").named("few", mentions=2)
    asked = NUMBERS.where("n IN ", few).where("n = ", few.group(most="max(number)"))
    assert await clickhouse.query(statement(asked, Bindings())) == [(2, 1)]


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownColumn, match=r"^halves has no third; it has n, half$"):
        NUMBERS.only("n", "third")
    for asked in (NUMBERS.without, NUMBERS.group):
        with pytest.raises(UnknownColumn):
            asked("third")
    with pytest.raises(UnknownColumn):
        NUMBERS.change(third="3")
    with pytest.raises(UnknownColumn):
        union(NUMBERS, NUMBERS.only("n"))
    with pytest.raises(UnknownColumn):
        NUMBERS.swap("third", n="1")
    with pytest.raises(KnownColumn, match=r"^halves has n already$"):
        NUMBERS.add(n="1")


def test_what_is_computed_twice_says_so() -> None:
    with pytest.raises(MentionedAgain, match="halves"):
        printed(union(NUMBERS, NUMBERS))
    twice = NUMBERS.named("halves", mentions=2)
    text = printed(union(twice, twice))
    assert text.count("halves AS (\n    -- computed at each mention\n") == 1


def test_parts_of_one_name_are_numbered() -> None:
    text = printed(union(NUMBERS, numbers().where("n < 4")))
    assert "FROM halves\nUNION ALL\n" in text
    assert text.endswith("FROM halves_2\nWHERE n < 4")
