"""The closed subset of expressions: what is read as what, and why the rest is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query.events.expressions.parser import parse
from services.query.events.expressions.tree import (
    Arithmetic,
    Call,
    Combine,
    Compare,
    Constant,
    Field,
    IsNull,
    Not,
    NotServed,
    OneOf,
    Property,
)

N = Property("event", "n")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("properties.n", N),
        ("properties['a b']", Property("event", "a b")),
        ("properties.$session_id", Property("event", "$session_id")),
        ("person.properties.n", Property("person", "n")),
        ("person.properties['n']", Property("person", "n")),
        ("event", Field("event")),
        ("e.properties.n", N),
        ("events.event", Field("event")),
        ("'it''s \\'n\\' \\\\'", Constant("it's 'n' \\")),
        ("-1.5", Constant(-1.5)),
        ("TRUE", Constant(True)),
        ("Null", Constant(None)),
        ("1 + 2 * 3", Arithmetic("+", Constant(1), Arithmetic("*", Constant(2), Constant(3)))),
        ("1 - 2 - 3", Arithmetic("-", Arithmetic("-", Constant(1), Constant(2)), Constant(3))),
        ("(1 + 2) * 3", Arithmetic("*", Arithmetic("+", Constant(1), Constant(2)), Constant(3))),
        ("properties.n == 1", Compare("=", N, Constant(1))),
        ("properties.n <> 1", Compare("!=", N, Constant(1))),
        ("properties.n not like 'a'", Not(Compare("like", N, Constant("a")))),
        ("properties.n IN (1, 'b')", OneOf(N, (Constant(1), Constant("b")))),
        ("properties.n is not null", Not(IsNull(N))),
        ("not not properties.n", N),
        ("like(properties.n, 'a%')", Compare("like", N, Constant("a%"))),
        ("notILike(event, 'a')", Not(Compare("ilike", Field("event"), Constant("a")))),
        ("lower(event)", Call("lower", (Field("event"),))),
        ("TOSTRING(event)", Call("toString", (Field("event"),))),
    ],
)
def test_an_expression_is_read(text: str, tree: object) -> None:
    assert parse(text) == tree


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Compare("=", N, Constant(value)) for value in (1, 2, 3))
    read = parse("properties.n = 1 or not properties.n = 2 and properties.n = 3")
    assert read == Combine("or", (a, Combine("and", (Not(b), c))))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "unexpected the end"),
        ("1 +", "unexpected the end"),
        ("1 2", "unexpected '2'"),
        ("(1", "expected ')', found the end"),
        ("sleep(1)", "unknown function 'sleep'"),
        ("lower(1, 2)", "lower does not take 2 arguments"),
        ("like('a')", "like does not take 1 arguments"),
        ("password", "unknown field 'password'"),
        ("person.id", "of a person only person.properties can be read"),
        ("properties", "expected '.', found the end"),
        ("properties[1]", "expected a property name in quotes, found '1'"),
        ("properties['']", "a property name is empty"),
        ("event not 'a'", "expected 'like', 'ilike' or 'in' after 'not', found ''a''"),
        ("event is 'a'", "expected 'null' after 'is', found ''a''"),
        ("event; DROP TABLE events", "unexpected character ';' at position 6"),
        ("event --", "unexpected the end"),
        ("event /* comment */", "unexpected '*'"),
        ("{p0:String}", "unexpected character '{' at position 1"),
        ("(SELECT 1)", "unknown field 'SELECT'"),
        ("1e999", "'1e999' is too large a number"),
        ("(" * 50 + "1" + ")" * 50, "it is nested too deeply"),
        ("1" * 5000, "it is longer than 4000 characters"),
        ("'open", "unexpected character ''' at position 1"),
    ],
)
def test_what_is_outside_the_subset_says_why(text: str, why: str) -> None:
    with pytest.raises(NotServed) as raised:
        parse(text)
    assert str(raised.value) == why


PIECES = st.sampled_from(
    [
        "event",
        "properties.n",
        "1",
        "'a'",
        "(",
        ")",
        "and",
        "not",
        "-",
        "+",
        "in",
        ",",
        "=",
        "is",
        "null",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(NotServed):
        parse(text)
