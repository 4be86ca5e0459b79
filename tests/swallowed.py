"""Errors of servers that are caught and told nobody, found in the source.

`python -m tests.swallowed` fails where there is one: log it, count it, tell it by
`services.common.tasks.pass_over`, or say in TOLD_ELSEWHERE why nobody needs to hear of it.
"""

import ast
import sys
from collections.abc import Iterator

from tests.sources import ROOT, SOURCES

# Of servers, of the network, or of anything at all: an error of these kinds may be an outage or a
# defect. All others say something of a value.
KINDS = {
    *("BARE", "Exception", "BaseException", "OSError", "TimeoutError", "CancelledError"),
    *("CONNECTION_LOST", "AWAY", "OperationalError", "InterfaceError", "Error", "EngineError"),
    *("TransportError", "HTTPError", "ClientError", "StreamUnavailable", "NothingTaken"),
    *("LogUnavailable", "TrailUnavailable", "Undecodable", "UnreadableBatch", "REFUSED"),
}
TELLING = {"inc", "tell", "pass_over", "debug", "info", "warning", "error", "critical"}

TOLD_ELSEWHERE = {
    "services/command/bus_consumers/connections.py _ask_all": "servers have answered, or it raises",
    "services/common/bus.py arrive": "the connection is told by its own task",
    "services/common/tasks.py ring_or": "time has passed",
    "services/common/log/retaking.py _numbers": "a newer version's fact, which keeps its place",
    "services/projector/auditor/reads.py _told": "the seal does not hold, and is found so",
    "services/projector/product_events/erasing.py _names": "the message is erased whole",
    "services/projector/webhooks/sending.py _send": "an attempt, kept with its error",
    "services/projector/webhooks/sending.py _read": "what came is kept with the attempt",
    "services/query/http/paging.py cursor": "a cursor of nobody's",
    "services/query/reads/operations.py": "shown as what this version can't read",
    "services/query/reads_trail/trail.py": "the spool tells of it",
    "services/query/streams/connection.py": "time has passed",
    # Of commands: who started them sees what comes of it.
    "services/embedded/": "a command's, or of the machine it is started on",
}


def found() -> Iterator[str]:
    """Where each is: file, function, line."""
    for source in SOURCES:
        name = str(source.relative_to(ROOT))
        if name.startswith("services/"):
            yield from _in(ast.parse(source.read_text()), name, "")


def untold() -> list[str]:
    return [where for where in found() if not where.startswith(tuple(TOLD_ELSEWHERE))]


def _in(node: ast.AST, file: str, function: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inside = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = child.name
        is_silent = (isinstance(child, ast.ExceptHandler) and _swallows(child)) or (
            isinstance(child, ast.Call)
            and ast.unparse(child.func).rpartition(".")[2] == "suppress"
            and any(_names(kind) & KINDS for kind in child.args)
        )
        if is_silent:
            yield f"{file} {inside} line {getattr(child, 'lineno', 0)}"
        yield from _in(child, file, inside)


def _swallows(handler: ast.ExceptHandler) -> bool:
    kinds = {"BARE"} if handler.type is None else _names(handler.type)
    if not kinds & KINDS:
        return False
    for node in ast.walk(ast.Module(handler.body, [])):
        if isinstance(node, ast.Raise):
            return False
        if isinstance(node, ast.Name) and node.id == handler.name:
            return False
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in TELLING:
                return False
    return True


def _names(node: ast.AST) -> set[str]:
    return {
        each.attr if isinstance(each, ast.Attribute) else each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    }


if __name__ == "__main__":
    if silent := untold():
        sys.exit("\n".join([(__doc__ or "").strip(), "", *silent]))
