"""Signatures are those that the standard's own library, and Ed25519, verify."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from contracts.events.webhook import Signature
from services.projector.webhooks.signing import SigningKey, signed_headers

BODY = '{"name":"Käufe 🎯"}'.encode()
OLD, NEW = (
    SigningKey(
        "whsec_" + base64.b64encode(bytes([number]) * 32).decode(),
        "whsk_" + base64.b64encode(bytes([number]) * 32).decode(),
    )
    for number in (1, 2)
)


def signed(signature: Signature, *keys: SigningKey) -> dict[str, str]:
    return signed_headers(keys, signature, "i/1/510", datetime.now(UTC), BODY)


def verify_v1a(key: SigningKey, headers: dict[str, str], body: bytes) -> None:
    """As a receiver does: any of the signatures is enough."""
    seed = base64.b64decode(key.private_key.removeprefix("whsk_"))
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for each in headers["webhook-signature"].split():
        version, _, text = each.partition(",")
        if version == "v1a":
            try:
                public.verify(base64.b64decode(text), message)
            except InvalidSignature:
                continue
            return
    raise InvalidSignature


def test_both_of_two_secrets_verify_in_both_versions() -> None:
    headers = signed("both", NEW, OLD)
    versions = [each.partition(",")[0] for each in headers["webhook-signature"].split()]
    assert versions == ["v1", "v1a", "v1", "v1a"]
    for key in (OLD, NEW):
        assert Webhook(key.secret).verify(BODY, headers) == {"name": "Käufe 🎯"}
        verify_v1a(key, headers, BODY)


def test_a_version_that_is_not_wanted_is_not_there() -> None:
    Webhook(NEW.secret).verify(BODY, signed("v1", NEW))
    verify_v1a(NEW, signed("v1a", NEW), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW.secret).verify(BODY, signed("v1a", NEW))
    with pytest.raises(InvalidSignature):
        verify_v1a(NEW, signed("v1", NEW), BODY)


def test_another_body_key_or_id_does_not_verify() -> None:
    headers = signed("both", NEW)
    for wrong, body in ((headers, BODY + b" "), ({**headers, "webhook-id": "i/1/511"}, BODY)):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW.secret).verify(body, wrong)
        with pytest.raises(InvalidSignature):
            verify_v1a(NEW, wrong, body)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD.secret).verify(BODY, headers)
    with pytest.raises(InvalidSignature):
        verify_v1a(OLD, headers, BODY)
