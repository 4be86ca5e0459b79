"""How webhooks are delivered, as settings spell it."""

import ssl
from pathlib import Path
from typing import Protocol

import msgspec

from services.common.settings import InvalidSettings

TIMEOUT_SECONDS = 15.0


class WebhookOptions(Protocol):
    """webhooks: whether this process delivers any. webhooks_allow: networks that they may be sent
    to besides public ones, and by http, as CIDRs. webhooks_ca_file: certificate authorities of
    receivers, besides the system's. webhook_timeout_seconds: that one request may take in all.
    """

    @property
    def webhooks(self) -> bool: ...
    @property
    def webhooks_allow(self) -> str: ...
    @property
    def webhooks_ca_file(self) -> str: ...
    @property
    def webhook_timeout_seconds(self) -> float: ...


class GivenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Those that no setting changes."""

    webhooks: bool = True
    webhooks_allow: str = ""
    webhooks_ca_file: str = ""
    webhook_timeout_seconds: float = TIMEOUT_SECONDS


DEFAULTS = GivenOptions()


def trusted_authorities(options: WebhookOptions) -> ssl.SSLContext:
    """By which receivers are believed. Raises InvalidSettings."""
    context = ssl.create_default_context()
    if options.webhooks_ca_file:
        try:
            context.load_verify_locations(Path(options.webhooks_ca_file))
        except (OSError, ssl.SSLError) as cause:
            raise InvalidSettings(f"…_WEBHOOKS_CA_FILE: {cause}") from cause
    return context
