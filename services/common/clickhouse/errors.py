"""The engine's error codes that the services act on, by name."""

import re
from typing import Final

TIMEOUT_EXCEEDED: Final = 159
TOO_MANY_ROWS: Final = 158
TOO_DEEP_AST: Final = 167
TOO_BIG_AST: Final = 168
MEMORY_LIMIT_EXCEEDED: Final = 241
TOO_DEEP_RECURSION: Final = 306
NETWORK_ERROR: Final = 210
TABLE_IS_READ_ONLY: Final = 242
ALL_CONNECTION_TRIES_FAILED: Final = 279
TOO_MANY_BYTES: Final = 307
QUERY_WAS_CANCELLED: Final = 394
FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: Final = 395
TOO_MANY_ROWS_OR_BYTES: Final = 396
CANNOT_COMPILE_REGEXP: Final = 427
TOO_SLOW_PARSING: Final = 718
UNKNOWN: Final = 0

_CODE = re.compile(r"\bCode:\s*(\d+)")
_NOT_COMPILED = re.compile(r"cannot compile re2: (.*), error: (.*?)\. Look at ", re.DOTALL)


_VALUE = re.compile(r"'(?:[^'\\]|\\.)*'")


class EngineError(Exception):
    """A statement that did not succeed. code: ClickHouse's number, 0 when it gave none.

    message: ClickHouse's, which quotes values; as text, for the log, the error goes without them.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(_VALUE.sub("'…'", message))
        self.code = code
        self.message = message


class EngineAway(EngineError):
    """No server answered, it went away in the middle, or takes no writes for the moment; the
    statement may be right.
    """


class QueryTimeout(EngineError):
    """It ran longer than max_execution_time."""


class QueryTooLarge(EngineError):
    """It needed more memory, rows or bytes than its limits allow."""


class StatementTooLarge(EngineError):
    """Its text is longer, or nested more deeply, than the engine reads."""


class QueryCancelled(EngineError):
    """The query was cancelled."""


class QueryStopped(EngineError):
    """It met what it asked, by throwIf, to be stopped by."""


class BadPattern(EngineError):
    """A regular expression that RE2 does not take, met by the first row it was tried on.

    fault: (the pattern, what is wrong with it); None when the engine did not say.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        found = _NOT_COMPILED.search(message)
        self.fault = None if found is None else (found[1], found[2])


class QueryFailed(EngineError):
    """Any other refusal: a bad statement, a bad row, a missing table."""


_KINDS: dict[int, type[EngineError]] = {
    NETWORK_ERROR: EngineAway,
    TABLE_IS_READ_ONLY: EngineAway,
    ALL_CONNECTION_TRIES_FAILED: EngineAway,
    TIMEOUT_EXCEEDED: QueryTimeout,
    MEMORY_LIMIT_EXCEEDED: QueryTooLarge,
    TOO_MANY_ROWS: QueryTooLarge,
    TOO_MANY_BYTES: QueryTooLarge,
    TOO_MANY_ROWS_OR_BYTES: QueryTooLarge,
    TOO_DEEP_AST: StatementTooLarge,
    TOO_BIG_AST: StatementTooLarge,
    TOO_DEEP_RECURSION: StatementTooLarge,
    TOO_SLOW_PARSING: StatementTooLarge,
    QUERY_WAS_CANCELLED: QueryCancelled,
    FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: QueryStopped,
    CANNOT_COMPILE_REGEXP: BadPattern,
}


def engine_error(message: str, code: int | None = None) -> EngineError:
    """The named error for what a driver raised; the code is read from the text when not given."""
    if code is None:
        found = _CODE.search(message)
        code = int(found[1]) if found else UNKNOWN
    return _KINDS.get(code, QueryFailed)(code, message)
