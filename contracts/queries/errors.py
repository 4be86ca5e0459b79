"""The one way a query says that it cannot be served."""


class InvalidQuery(Exception):
    """A request that is wrong, in PostHog's words where PostHog has some.

    attr: the field of the request, nested with `__`; None when it is about the whole.
    code, detail: of the 400 answer.
    """

    def __init__(self, attr: str | None, code: str, detail: str) -> None:
        super().__init__(detail)
        self.attr = attr
        self.code = code
        self.detail = detail


def invalid_input(attr: str | None, detail: str) -> InvalidQuery:
    """The everyday one: a field whose value is not served."""
    return InvalidQuery(attr, "invalid_input", detail)
