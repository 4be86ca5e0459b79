"""ClickHouse text with its bound values: values never enter the text."""

import msgspec


class Statement(msgspec.Struct, frozen=True):
    """A whole SELECT and the values of its `{name:Type}` bindings."""

    text: str
    parameters: dict[str, object]


class Bindings:
    """Gathers the values of one statement while its text is built."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._names: dict[tuple[str, str], str] = {}

    def bind(self, value: object, type_: str) -> str:
        """`{p7:String}`, to stand in the text for `value`; equal values share a name."""
        name = self._names.setdefault((type_, repr(value)), f"p{len(self._names)}")
        self.values[name] = value
        return f"{{{name}:{type_}}}"
