"""Whether a pattern is one that the engine compiles, judged by the library that the engine uses.

The engine compiles a pattern only when it meets a row, so that an invalid one would be an error on
some days and silence on others.
"""

import re2  # type: ignore[import-untyped]  # it has no types

_MAX_LENGTH = 4_000
"""In characters. To compile as many of the dearest (`\\pL`) takes half a second."""


class NotRe2(ValueError):
    """A pattern that the engine would refuse; the message says why, in RE2's words."""


def check(pattern: str) -> None:
    """Raises NotRe2."""
    if len(pattern) > _MAX_LENGTH:
        raise NotRe2(f"it is longer than {_MAX_LENGTH:,} characters")
    try:
        re2.compile(pattern, _options())
    except UnicodeEncodeError as cause:
        raise NotRe2("it is not UTF-8") from cause
    except re2.error as cause:
        raise NotRe2(_words(cause)) from cause
    finally:
        # It keeps the last 128, up to 8 MiB each.
        re2.purge()


def _options() -> re2.Options:
    """The engine's, as far as they tell what compiles: UTF-8, and memory of 8 MiB at most."""
    options = re2.Options()
    options.log_errors = False
    return options


def _words(error: Exception) -> str:
    why = error.args[0]
    return why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
