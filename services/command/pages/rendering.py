"""The pages of this service as text."""

from services.common.pages.frame import Pages

rendered = Pages("services.command.pages").rendered
