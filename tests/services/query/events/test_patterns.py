"""Patterns: which the engine compiles, and what selectors of actions match."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.queries.errors import InvalidQuery
from services.common.clickhouse.errors import EngineError
from services.common.clickhouse.statement import Bindings, Statement
from services.query.events.conditions import PropertyIs
from services.query.events.regexes import NotRe2, check
from services.query.events.selectors import selector_pattern
from services.query.events.versions import NotAVersion, version_range
from tests.services.query.conftest import Events


def compiles(events: Events, pattern: str) -> bool:
    bindings = Bindings()
    text = f"SELECT match(materialize('some text'), {bindings.bind(pattern, 'String')})"
    try:
        events.query(Statement(text, bindings.values))
    except EngineError:
        return False
    return True


def passes(pattern: str) -> bool:
    try:
        check(pattern)
    except NotRe2:
        return False
    return True


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a", "^a.*b$", "[a-z]+", "[]a]", "[^]a]", "[[:alpha:]_]", "(a|b)?", "(?:a)", "(?i)a",
        "(?i:a)b", "(?P<n>a)", "(?<n>a)", "a{2}", "a{2,}", "a{2,3}?", "a{", "a{,3}", "{", "}", "]",
        r"\d\w\s\b\.", r"\Qa(\E", r"\x41", r"\x{41}", r"\pL", r"\p{Greek}", r"\A\z", "a||b", "()",
        "a+?", "é", "a\nb",
    ],
)  # fmt: skip
def test_patterns_that_the_engine_compiles_pass(events: Events, pattern: str) -> None:
    assert compiles(events, pattern)
    assert passes(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(", "(a", "[", "[a", "*", "+a", "?", "a**", "(*a)", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)",
        "(?>a)", r"(a)\1", "a{1001}", "a{3,2}", "\\", "a\\", "(?P=n)", r"\Z", r"\K", "a++", "(?#x)",
    ],
)  # fmt: skip
def test_patterns_that_the_engine_refuses_are_refused_before(events: Events, pattern: str) -> None:
    assert not compiles(events, pattern)
    assert not passes(pattern)


GROUPS = ["(?:", "(?i)", "(?s-i:", "(?P<n>", "(?<n>", "(?=", "(?!", "(?<=", "(?>", "(?#"]
SETS = ["[^", "[[:alpha:]]", "[[:nope:]]", "a-", "z-a", r"\pL", r"\p{Greek}", r"\p{Nope}"]
ESCAPES = [rf"\{letter}" for letter in "dDsSwWbBAzZQEGKRXhHvVntrfaxucCpPkN019-.]["]
CODES = ["\\", r"\x{2019}", r"\x{110000}", r"\x4", r"\x41", r"\P{^Han}", r"\Qa("]
REPEATS = ["{2}", "{2,1}", "{1001}"]
PIECES = [*"ab.^$*+?()|[]-{},1é\n\0 :=!<>P", *GROUPS, *SETS, *ESCAPES, *CODES, *REPEATS]


@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_the_library_and_the_engine_agree(events: Events, pattern: str) -> None:
    # To a closing parenthesis too many the engine says nothing, and takes it for text or not.
    assert passes(pattern) == (compiles(events, pattern) and not one_too_many(pattern))


def one_too_many(pattern: str) -> bool:
    try:
        check(pattern)
    except NotRe2 as why:
        return str(why).startswith("unexpected )")
    return False


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^[\w\-.]+@", "jane-doe.x@example.com", True),
        (r"^[\w\-.]+@", "jane doe", False),
        (r"e[\t-\r]t", "one\ntwo", True),
        (r"it\x{2019}s", "it\u2019s", True),
        (r"[\x{0430}-\x{044F}]", "привет", True),
        (r"[\x{0430}-\x{044F}]", "hello", False),
        (r"a\x{1F600}", "a\U0001f600", True),
        ("a.c", "a\nc", True),
        ("^b", "a\nb", False),
        ("É", "é", False),
        ("(?i)É", "é", True),
        (r"\bb", "é b", True),
    ],
)
def test_a_pattern_matches_as_re2_does_with_the_options_of_the_engine(
    events: Events, pattern: str, text: str, found: bool
) -> None:
    check(pattern)
    team = events.team()
    events.add(team, {"k": text})
    assert events.passing(team, PropertyIs("event", "k", "regex", (pattern,))) == [0] * found


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a**", "bad repetition operator: **"),
        ("[z-a]", "invalid character class range: z-a"),
        ("(x{100}){100}", "invalid repetition size: {100}"),
        (r"(a)\1", r"invalid escape sequence: \1"),
        (r"\pL{1000}", "pattern too large - compile failed"),
        ("é**", "bad repetition operator: **"),
        ("(?<=é)", "invalid perl operator: (?<"),
        ("a" * 4_001, "it is longer than 4,000 characters"),
    ],
)
def test_it_is_said_in_the_words_of_re2(pattern: str, why: str) -> None:
    with pytest.raises(NotRe2, match=re.escape(why)):
        check(pattern)


# Selectors

CHAIN = (
    'a.btn.primary:attr__class="btn primary"attr__data-x="1;2"attr_id="buy"href="/go"nth-child="2"'
    'nth-of-type="1"text="Buy";span:nth-child="1"nth-of-type="1";'
    'div.box:attr__class="box"nth-child="3"nth-of-type="1";body:nth-child="1"nth-of-type="1"'
)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("a", True),
        ("button", False),
        ("*", True),
        (".btn", True),
        (".primary.btn", True),
        (".bt", False),
        ("a.box", False),
        ("#buy", True),
        ("#sell", False),
        ('[data-x="1;2"]', True),
        ("[data-x='1']", False),
        ("[data-x]", True),
        ("a[href='/go']", True),
        ("a:nth-child(2)", True),
        ("a:nth-child(3)", False),
        ("div a", True),
        ("div > a", False),
        ("span > a", True),
        ("div > span > a", True),
        ("body .box a.btn", True),
        ("a div", False),
        ("section a", False),
    ],
)
def test_a_selector_matches_the_elements_it_names(
    events: Events, selector: str, matches: bool
) -> None:
    team = events.team()
    events.add(team, {"$elements_chain": CHAIN})
    pattern = selector_pattern(selector)
    check(pattern)
    condition = PropertyIs("event", "$elements_chain", "regex", (pattern,))
    assert events.passing(team, condition) == ([0] if matches else [])


@pytest.mark.parametrize("selector", ["", "a:hover", "a + b", "a[", "a >"])
def test_a_selector_that_is_not_served_is_refused(selector: str) -> None:
    with pytest.raises(InvalidQuery):
        selector_pattern(selector)


# Versions


@pytest.mark.parametrize(
    ("operator", "value", "low", "high"),
    [
        ("semver_eq", "1.2", "1.2.0.0", "1.2.0.1"),
        ("semver_tilde", "1.2.3", "1.2.3.0", "1.3.0.0"),
        ("semver_tilde", "1", "1.0.0.0", "2.0.0.0"),
        ("semver_caret", "1.2.3", "1.2.3.0", "2.0.0.0"),
        ("semver_caret", "0.2.3", "0.2.3.0", "0.3.0.0"),
        ("semver_caret", "0.0.3", "0.0.3.0", "0.0.4.0"),
        ("semver_caret", "0.0.0", "0.0.0.0", "0.0.1.0"),  # noqa: S104  # no address
        ("semver_wildcard", "1.2.*", "1.2.0.0", "1.3.0.0"),
        ("semver_wildcard", "1.*", "1.0.0.0", "2.0.0.0"),
        ("semver_gt", "v1.2.3-rc1", "1.2.3.0", None),
    ],
)
def test_ranges_of_versions(operator: str, value: str, low: str, high: str | None) -> None:
    shown = [
        bound and ".".join(map(str, bound))
        for bound in version_range(operator, value)  # type: ignore[arg-type]  # one of Operator
    ]
    assert shown == [low, high]


@pytest.mark.parametrize("value", ["", "new", "1.x.2", "1..2", "1.2."])
def test_what_is_no_version_is_refused(value: str) -> None:
    with pytest.raises(NotAVersion):
        version_range("semver_eq", value)
