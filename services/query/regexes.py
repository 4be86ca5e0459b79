"""Whether a pattern is one that RE2 compiles, as far as a look at its text can tell.

The engine compiles a pattern only when it meets a row, so that an invalid one would be an error on
some days and silence on others. What slips through here is ClickHouse's error 427.
"""

import re

_REFUSED = (
    (re.compile(r"\(\?(=|!|<=|<!)"), "look-ahead and look-behind are not supported"),
    (re.compile(r"\(\?>"), "atomic groups are not supported"),
    (re.compile(r"\(\?P=|\(\?P>|\(\?\(|\(\?R\)|\(\?#"), "this kind of group is not supported"),
)
_TOKEN = re.compile(
    r"(?P<escape>\\Q.*?(?:\\E|$)|\\.)"
    r"|(?P<set>\[(?:\^|(?!\^))(?:\]|(?!\]))(?:\\.|\[:\^?\w+:\]|[^\]\\])*\])"
    r"|(?P<flags>\(\?[imsU-]+\))"
    r"|(?P<open>\((?:\?(?:P?<\w+>|[imsU-]*:))?)"
    r"|(?P<close>\))"
    r"|(?P<repeat>[*+?]\??|\{\d+(?:,\d*)?\}\??)"
    r"|(?P<broken>\[|\\$)"
    r"|(?P<alternative>\|)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_MAX_REPEAT = 1000
_MAX_LENGTH = 2_000


class NotRe2(ValueError):
    """A pattern that the engine would refuse; the message says why."""


def check(pattern: str) -> None:
    """Raises NotRe2."""
    if len(pattern) > _MAX_LENGTH:
        raise NotRe2(f"it is longer than {_MAX_LENGTH} characters")
    depth, repeatable = 0, False
    at = 0
    while at < len(pattern):
        for refused, why in _REFUSED:
            if refused.match(pattern, at):
                raise NotRe2(why)
        found = _TOKEN.match(pattern, at)
        assert found is not None  # the last alternative takes any character
        depth, repeatable = _step(found, depth, repeatable)
        at = found.end()
    if depth:
        raise NotRe2("missing )")


def _step(found: "re.Match[str]", depth: int, repeatable: bool) -> tuple[int, bool]:
    """(open groups, whether a repetition may follow) after this token."""
    kind = found.lastgroup
    written = found.group()
    match kind:
        case "escape":
            _check_escape(written)
            return depth, written not in (r"\b", r"\B", r"\A", r"\z")
        case "open":
            return depth + 1, False
        case "close":
            if depth == 0:
                raise NotRe2("unexpected )")
            return depth - 1, True
        case "repeat":
            if not repeatable:
                raise NotRe2(f"nothing to repeat before {written}")
            _check_repeat(written)
            return depth, False
        case "broken":
            raise NotRe2("missing ]" if written == "[" else "trailing \\")
        case "set":
            _check_set(written)
            return depth, True
        case "other":
            return depth, True
        case _:
            return depth, False


def _check_escape(written: str) -> None:
    if written[1].isdigit() and written[1] != "0":
        raise NotRe2("back references are not supported")
    if written[1] in "GKRXZhHuklNyV" or not written[1].isascii():
        raise NotRe2(f"unknown escape {written}")


def _check_repeat(written: str) -> None:
    bounds = [int(bound) for bound in re.findall(r"\d+", written)]
    if any(bound > _MAX_REPEAT for bound in bounds) or bounds != sorted(bounds):
        raise NotRe2(f"invalid repetition {written}")


_RANGE = re.compile(r"\\?(.)-(?!\])\\?(.)", re.DOTALL)
_CLASSES = re.compile(r"\[:\^?\w+:\]|\\[dDsSwWpP]")


def _check_set(written: str) -> None:
    inside = _CLASSES.sub("", written[1:-1].removeprefix("^"))
    if any(low > high for low, high in _RANGE.findall(inside)):
        raise NotRe2(f"invalid range in {written}")
