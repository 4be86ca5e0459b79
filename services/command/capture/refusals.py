"""Refusals of the capture doors, before HTTP."""


class Refusal(Exception):
    """The request is not taken. attr: the member at fault, nested as `batch__3__event`."""

    def __init__(self, code: str, detail: str, attr: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.attr = attr

    def at(self, member: str) -> "Refusal":
        """The same fault, seen from the list or object that holds the one it was found in."""
        attr = member if self.attr is None else f"{member}__{self.attr}"
        return type(self)(self.code, self.detail, attr)


class NotJson(Refusal):
    """400: no JSON can be made of it, or not the JSON that was expected."""


class BadToken(Refusal):
    """401: the project token is missing, malformed, unknown, or not the same in all events."""


class TooLarge(Refusal):
    """413: as sent, inflated, or a single event."""
