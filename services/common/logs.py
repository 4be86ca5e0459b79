"""Log lines: an event with its fields, on stderr, without secrets.

A line that is written while a request is answered carries its operation_id and correlation_id, see
`services.common.http.log_context`.
"""

import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final, Protocol, cast
from uuid import UUID

import structlog
from structlog.typing import EventDict

from services.common.log_events import LogEvent

_HIDDEN: Final = "…"
_SECRETS: Final[Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]] = (
    # Keys and project tokens, anywhere in a line.
    (re.compile(r"\b(ph[a-z]_)[A-Za-z0-9_-]{4,}"), rf"\1{_HIDDEN}"),
    # Secrets and private keys of webhooks.
    (re.compile(r"\b(wh(?:sec|sk)_)[A-Za-z0-9+/=]{4,}"), rf"\1{_HIDDEN}"),
    # The token of a share, or of a project, in a path.
    (
        re.compile(r"(/(?:shared|embedded|shared_dashboard|array)/)[^/\s?#\"'\\]+"),
        rf"\1{_HIDDEN}",
    ),
    # Named: in a query string, a form, a document, a header, an error's detail.
    (
        re.compile(
            r"((?:\w*(?:api_key|token|password|passwd|secret)|authorization|cookie)"
            r"(?:\\?[\"'])?(?:\)?\s*[=:]|(?<=[\"']),)\s*(?:b?\\?[\"'(])?)(?:(?:bearer|basic)\s+)?"
            r"[^\s&\"'\\,;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
    # The values that PostgreSQL quotes of a row, to the end of the line; in JSON that is an escape.
    (re.compile(r"(\bDETAIL:\s*)(?:\\[^n]|[^\\\n\"])+"), rf"\1{_HIDDEN}"),
    # Passwords in URLs: postgresql://user:password@…, nats://token@….
    (re.compile(r"(\w://)[^/@\s\"']+@"), rf"\1{_HIDDEN}@"),
)


def without_secrets(text: str) -> str:
    """The text with … in the place of each key, token and password that can be told as one."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class Log(Protocol):
    """A logger. The event is one of the closed list, whatever else there is to tell is a field.

    Among the fields `exc_info` is the error whose trace is shown.
    """

    def debug(self, event: LogEvent, /, **fields: object) -> None: ...
    def info(self, event: LogEvent, /, **fields: object) -> None: ...
    def warning(self, event: LogEvent, /, **fields: object) -> None: ...
    def error(self, event: LogEvent, /, **fields: object) -> None: ...
    def critical(self, event: LogEvent, /, **fields: object) -> None: ...


def logger(name: str) -> Log:
    """name: `recount.…`, the part that speaks."""
    return cast("Log", structlog.get_logger(name))


NO_FIELDS: Mapping[str, object] = {}
request_fields: ContextVar[Mapping[str, object]] = ContextVar("request_fields", default=NO_FIELDS)
"""Of every line that is written in this context: of the request that is answered."""


def _with_request_fields(_: object, __: str, line: EventDict) -> EventDict:
    for name, value in request_fields.get().items():
        line.setdefault(name, str(value) if isinstance(value, UUID) else value)
    return line


# Ours and the libraries' lines go the same way: through the standard library to one formatter.
_SHARED: Final[Sequence[structlog.typing.Processor]] = (
    _with_request_fields,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """The last step of every line: ours, a library's, a trace."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def formatter(*, terminal: bool) -> logging.Formatter:
    """Of every line: for eyes, or a JSON object."""
    # Its own choice of a format shows the values of variables.
    plain = structlog.dev.plain_traceback
    return _Formatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info
            if not terminal
            else structlog.processors.UnicodeDecoder(),
            structlog.dev.ConsoleRenderer(exception_formatter=plain)
            if terminal
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def configure(level: int = logging.INFO) -> None:
    """Called once at the start of the process: a terminal gets colours, a pipe gets JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(terminal=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("recount").setLevel(level)
