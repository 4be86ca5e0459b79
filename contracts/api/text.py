"""Names and texts that clients write, without the white space around them.

PostHog: the character fields of its serializers, which trim before they look at the length. What is
kept as given (derived names, passwords, steps of actions, queries) is a plain `str` or a document.
"""

from typing import Annotated

from msgspec import Meta

TRIMMED = {"trimmed": True}
"""Marks a type whose strings are taken without what is around them, wherever a body is read."""

Name = Annotated[str, Meta(max_length=400, extra=TRIMMED)]
Text = Annotated[str, Meta(extra=TRIMMED)]
Note = Annotated[str, Meta(max_length=100, extra=TRIMMED)]
ProjectName = Annotated[str, Meta(min_length=1, max_length=200, extra=TRIMMED)]
Tag = Annotated[str, Meta(max_length=255, extra=TRIMMED)]
"""An index of the database holds each whole. PostHog: Tag.name."""
