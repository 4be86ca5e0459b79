"""The base of every fact."""

import msgspec


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Something that happened. The tag is its stored name and version."""
