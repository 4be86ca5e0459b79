"""Signatures as Standard Webhooks 1.0.0 has them: v1 by HMAC-SHA256, v1a by Ed25519."""

import base64
from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from contracts.events.webhook import Signature


class SigningKey(msgspec.Struct, frozen=True):
    """secret: whsec_…; private_key: whsk_…, of v1a."""

    secret: str
    private_key: str


def signed_headers(
    keys: Sequence[SigningKey],
    signature: Signature,
    message_id: str,
    at: datetime,
    body: bytes,
) -> dict[str, str]:
    """The three headers that receivers verify; one signature for each key and version.

    at: with its zone; whole seconds of it are signed.
    """
    text = body.decode()
    seconds = str(int(at.timestamp()))
    signatures: list[str] = []
    for key in keys:
        if signature != "v1a":
            signatures.append(Webhook(key.secret).sign(message_id, at, text))
        if signature != "v1":
            signatures.append(_v1a(key.private_key, f"{message_id}.{seconds}.{text}".encode()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signatures),
    }


def _v1a(private_key: str, message: bytes) -> str:
    seed = base64.b64decode(private_key.removeprefix("whsk_"))
    signed = Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    return f"v1a,{base64.b64encode(signed).decode()}"
