"""Stored rows as far as this version can read them, so that a single bad row breaks no list."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Raw

from contracts.times import EPOCH

S = TypeVar("S", bound=msgspec.Struct)

DAWN = EPOCH
"""Stands for a time that can't be read."""


class Salvage(Generic[S]):
    """Reads rows of one type. Not for rules about who may do what: those are whole, or no rules.

    spare: its members replace those of a row that are not there, or not what they should be.
    """

    def __init__(self, spare: S) -> None:
        self._spare = spare
        self._decoder = msgspec.json.Decoder(type(spare))

    def decode(self, text: str) -> S:
        """The row; one that can't be read comes back with what can be read of it."""
        try:
            return self._decoder.decode(text)
        except msgspec.ValidationError:
            return self._salvaged(msgspec.json.decode(text, type=dict[str, Raw]))

    def _salvaged(self, members: dict[str, Raw]) -> S:
        values: dict[str, object] = {}
        for field in msgspec.structs.fields(self._spare):
            if field.name in members:
                try:
                    values[field.name] = msgspec.json.decode(members[field.name], type=field.type)
                except msgspec.ValidationError:
                    continue
        return msgspec.structs.replace(self._spare, **values)
