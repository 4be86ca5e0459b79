"""Claims that only this installation can have signed: `<claim>.<claim>.<expiry>.<signature>`."""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence


class SignedClaims:
    """Signs and checks with one key. No claim has a dot in it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, claims: Sequence[str], lifetime_seconds: int) -> str:
        text = ".".join((*claims, str(int(time.time()) + lifetime_seconds)))
        return f"{text}.{self.signature(text)}"

    def check(self, text: str | None) -> tuple[str, ...] | None:
        """None for anything that was not signed with the key, or that has expired."""
        signed, _, signature = (text or "").rpartition(".")
        if not hmac.compare_digest(self.signature(signed).encode(), signature.encode()):
            return None
        *claims, expires = signed.split(".")
        return tuple(claims) if time.time() < int(expires) else None

    def signature(self, text: str) -> str:
        digest = hmac.digest(self._key, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
