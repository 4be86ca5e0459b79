"""Expressions, parsed by hand.

expression = or                        or      = and {"or" and}
and        = not {"and" not}           not     = "not" not | comparison
comparison = sum [sign sum | ["not"] ("like" | "ilike") sum
                  | ["not"] "in" "(" sum {"," sum} ")" | "is" ["not"] "null"]
sum        = product {("+" | "-") product}
product    = sign {("*" | "/") sign}   sign    = "-" sign | value
value      = number | 'text' | true | false | null | field | call | "(" or ")"
call       = function "(" or {"," or} ")"

In an aggregate expression a call may also be one of these, and fields stand inside of them only:
aggregate  = name "(" [or {"," or}] ")" | "quantile" "(" number ")" "(" or ")"
"""

from services.query.events.expressions.tokens import Token, read_number, tokens, unquoted
from services.query.events.expressions.tree import (
    AGGREGATES,
    FIELDS,
    FUNCTIONS,
    Aggregate,
    Arithmetic,
    Call,
    Combine,
    Compare,
    Comparison,
    Constant,
    Expression,
    Field,
    IsNull,
    Not,
    NotServed,
    OneOf,
    Property,
)

_COMPARISONS: dict[str, tuple[Comparison, bool]] = {
    "like": ("like", True),
    "ilike": ("ilike", True),
    "notlike": ("like", False),
    "notilike": ("ilike", False),
}
"""Comparisons that are written as functions too, and whether they are to hold."""
_EVENTS = ("e", "events")
"""What PostHog calls the events in its statements: e.properties.plan is properties.plan."""
_MAX_DEPTH = 32
_MAX_LENGTH = 4_000


def parse(text: str) -> Expression:
    """Raises NotServed."""
    if len(text) > _MAX_LENGTH:
        raise NotServed(f"it is longer than {_MAX_LENGTH} characters")
    return _Parser(tokens(text)).whole()


def parse_aggregate(text: str) -> Expression:
    """An expression over many events: fields stand inside of aggregates, which are not nested.

    Raises NotServed.
    """
    if len(text) > _MAX_LENGTH:
        raise NotServed(f"it is longer than {_MAX_LENGTH} characters")
    return _Parser(tokens(text), aggregates=True).whole()


class _Parser:
    """Recursive descent; each method reads one rule of the grammar above.

    aggregates: one number of many events is read. Then a field is read inside of an aggregate only.
    """

    def __init__(self, tokens: list[Token], *, aggregates: bool = False) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._outside = aggregates

    def whole(self) -> Expression:
        expression = self._or()
        if self._next.kind != "end":
            raise NotServed(f"unexpected {self._next}")
        return expression

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _symbol(self, *symbols: str) -> str | None:
        if self._next.kind == "symbol" and self._next.text in symbols:
            return self._take().text
        return None

    def _word(self, word: str) -> bool:
        if self._next.kind == "name" and self._next.text.lower() == word:
            self._at += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if self._symbol(symbol) is None:
            raise NotServed(f"expected '{symbol}', found {self._next}")

    def _or(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise NotServed("it is nested too deeply")
        parts = [self._and()]
        while self._word("or"):
            parts.append(self._and())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Combine("or", tuple(parts))

    def _and(self) -> Expression:
        parts = [self._not()]
        while self._word("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Combine("and", tuple(parts))

    def _not(self) -> Expression:
        negations = 0
        while self._word("not"):
            negations += 1
        expression = self._comparison()
        return Not(expression) if negations % 2 else expression

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self._symbol("=", "==", "!=", "<>", "<", "<=", ">", ">=")
        if sign is not None:
            signs: dict[str, Comparison] = {
                "=": "=", "==": "=", "!=": "!=", "<>": "!=",
                "<": "<", "<=": "<=", ">": ">", ">=": ">=",
            }  # fmt: skip
            return Compare(signs[sign], left, self._sum())
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null"):
                raise NotServed(f"expected 'null' after 'is', found {self._next}")
            return Not(IsNull(left)) if negated else IsNull(left)
        negated = self._word("not")
        found: Expression | None = None
        if self._word("like"):
            found = Compare("like", left, self._sum())
        elif self._word("ilike"):
            found = Compare("ilike", left, self._sum())
        elif self._word("in"):
            self._expect("(")
            found = OneOf(left, self._list(")"))
        if found is None:
            if negated:
                raise NotServed(f"expected 'like', 'ilike' or 'in' after 'not', found {self._next}")
            return left
        return Not(found) if negated else found

    def _list(self, closing: str) -> tuple[Expression, ...]:
        items = [self._or()]
        while self._symbol(","):
            items.append(self._or())
        self._expect(closing)
        return tuple(items)

    def _sum(self) -> Expression:
        left = self._product()
        while sign := self._symbol("+", "-"):
            left = Arithmetic("+" if sign == "+" else "-", left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._sign()
        while sign := self._symbol("*", "/"):
            left = Arithmetic("*" if sign == "*" else "/", left, self._sign())
        return left

    def _sign(self) -> Expression:
        negative = False
        while self._symbol("-"):
            negative = not negative
        value = self._value()
        if not negative:
            return value
        match value:
            case Constant(value=int() | float() as number) if not isinstance(number, bool):
                return Constant(-number)
            case _:
                return Arithmetic("-", Constant(0), value)

    def _value(self) -> Expression:
        token = self._take()
        match token.kind:
            case "number":
                return Constant(read_number(token.text))
            case "text":
                return Constant(unquoted(token.text))
            case "symbol" if token.text == "(":
                inner = self._or()
                self._expect(")")
                return inner
            case "name":
                return self._named(token.text)
            case _:
                raise NotServed(f"unexpected {token}")

    def _named(self, name: str) -> Expression:
        constants = {"true": True, "false": False, "null": None}
        if name.lower() in constants:
            return Constant(constants[name.lower()])
        if self._symbol("("):
            return self._call(name)
        if self._outside:
            raise NotServed(f"'{name}' stands outside of an aggregate")
        if name in _EVENTS and self._symbol("."):
            name = self._take().text
        if name == "properties":
            return Property("event", self._key())
        if name == "person":
            self._expect(".")
            if not self._word("properties"):
                raise NotServed("of a person only person.properties can be read")
            return Property("person", self._key())
        if name in FIELDS:
            return Field(FIELDS[name])
        raise NotServed(f"unknown field '{name}'")

    def _key(self) -> str:
        if self._symbol("["):
            token = self._take()
            if token.kind != "text":
                raise NotServed(f"expected a property name in quotes, found {token}")
            self._expect("]")
            key = unquoted(token.text)
        else:
            self._expect(".")
            token = self._take()
            if token.kind not in ("name", "quoted"):
                raise NotServed(f"expected a property name, found {token}")
            key = unquoted(token.text) if token.kind == "quoted" else token.text
        if not key:
            raise NotServed("a property name is empty")
        return key

    def _aggregate(self, name: str) -> Expression:
        known, fewest, most = AGGREGATES[name.lower()]
        level = None
        if known == "quantile":
            level = self._level()
            self._expect("(")
        self._outside = False
        if fewest == 0 and self._symbol(")"):
            arguments: tuple[Expression, ...] = ()
        else:
            arguments = self._arguments(known, fewest, most)
        self._outside = True
        return Aggregate(known, arguments, level)

    def _level(self) -> float:
        token = self._take()
        level = float(token.text) if token.kind == "number" else -1.0
        if not 0 <= level <= 1:
            raise NotServed(f"expected a level from 0 to 1, found {token}")
        self._expect(")")
        return level

    def _call(self, name: str) -> Expression:
        if self._outside and name.lower() in AGGREGATES:
            return self._aggregate(name)
        if name.lower() in _COMPARISONS:
            sign, holds = _COMPARISONS[name.lower()]
            left, right = self._arguments(name, 2, 2)
            compared = Compare(sign, left, right)
            return compared if holds else Not(compared)
        if name.lower() not in FUNCTIONS:
            raise NotServed(f"unknown function '{name}'")
        known, fewest, most = FUNCTIONS[name.lower()]
        return Call(known, self._arguments(known, fewest, most))

    def _arguments(self, name: str, fewest: int, most: int) -> tuple[Expression, ...]:
        arguments = self._list(")")
        if not fewest <= len(arguments) <= most:
            raise NotServed(f"{name} does not take {len(arguments)} arguments")
        return arguments
