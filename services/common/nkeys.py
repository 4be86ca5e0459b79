"""NATS's keys and the tokens that they sign: an Ed25519 key as base32 text with a checksum.

What NATS calls an nkey, as far as an account's key needs it: about what the package `nkeys` does,
without a second library for Ed25519.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# Before the key's own bytes: they make its text begin with the letters that people know it by.
_A = bytes([0])
_SA = bytes([18 << 3, 0])
_KEY_BYTES = 32
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


class InvalidSeed(ValueError):
    """A text is no seed of an account's key. The message does not repeat it: it may be a secret."""


class AccountKey:
    """The key of an account, which signs what the server believes.

    public: its public half as NATS writes it, `A…`.
    """

    def __init__(self, seed: str) -> None:
        """seed: `SA…`. Raises InvalidSeed."""
        self._key = Ed25519PrivateKey.from_private_bytes(_decoded(seed))
        self.public = _text(_A + self._key.public_key().public_bytes_raw())

    def derived(self, label: bytes) -> bytes:
        """32 bytes that nobody can make without the seed, and we at any time."""
        return hmac.digest(self._key.private_bytes_raw(), label, "sha256")

    def token(self, claims: dict[str, Any]) -> str:
        """A JWT of these claims, in the form that NATS reads. `iss` and `jti` are added."""
        claims = {**claims, "iss": self.public}
        claims["jti"] = _base32(hashlib.sha256(msgspec.json.encode(claims)).digest())
        signed = f"{_base64(msgspec.json.encode(_HEADER))}.{_base64(msgspec.json.encode(claims))}"
        return f"{signed}.{_base64(self._key.sign(signed.encode()))}"


def new_seed() -> str:
    """The seed of a new account's key: a secret."""
    return _text(_SA + Ed25519PrivateKey.generate().private_bytes_raw())


def claims_of(token: bytes) -> Any:
    """What a JWT says, its signature unread: only for one whose way here is proof enough."""
    body = token.split(b".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))


def _decoded(seed: str) -> bytes:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except (ValueError, binascii.Error):
        raise InvalidSeed("this is no base32 text") from None
    content, checksum = raw[:-2], raw[-2:]
    if not content.startswith(_SA):
        raise InvalidSeed("it is not the seed of an account's key, which begins with SA")
    if len(content) != len(_SA) + _KEY_BYTES or _checksum(content) != checksum:
        raise InvalidSeed("its length or its checksum is wrong")
    return content[len(_SA) :]


def _text(content: bytes) -> str:
    return _base32(content + _checksum(content))


def _checksum(content: bytes) -> bytes:
    return binascii.crc_hqx(content, 0).to_bytes(2, "little")


def _base32(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=")


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
