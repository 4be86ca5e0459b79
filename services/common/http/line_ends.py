"""JSON ends with a line break: in a terminal, the prompt comes on a line of its own.

To programs it is white space. ETags are of the document, and no part of them.
"""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_JSON = b"application/json"
_LENGTH, _TYPE = b"content-length", b"content-type"


def line_ends(app: ASGIApp) -> ASGIApp:
    """Around the application, before `heads`, which asks it for the same length."""

    async def ended(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        is_json = False

        async def with_line_break(message: Message) -> None:
            nonlocal is_json
            if message["type"] == "http.response.start":
                headers, length, at = list(message["headers"]), 0, 0
                for index, (name, value) in enumerate(headers):
                    if name == _LENGTH:
                        length, at = int(value), index
                    elif name == _TYPE:
                        is_json = value.startswith(_JSON) or b"+json" in value
                # A 304 has the type of what it does not carry.
                is_json = is_json and length > 0
                if is_json:
                    headers[at] = (_LENGTH, b"%d" % (length + 1))
                    message = {**message, "headers": headers}
            elif is_json and message["type"] == "http.response.body" and not message["more_body"]:
                message = {**message, "body": message["body"] + b"\n"}
            await send(message)

        await app(scope, receive, with_line_break)

    return ended
