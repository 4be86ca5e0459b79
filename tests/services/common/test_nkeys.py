"""Keys and tokens as NATS has them."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.common.nkeys import AccountKey, InvalidSeed, claims_of, new_seed

# Made once, and read back by the package `nkeys`.
SEED = "SAAKEVKNUF5L6TYG3VCQUCSWUO3IKUP4OU3CF2EYCTJF5GYRHJMKGD5234"
PUBLIC = "ACRF5FC54GYDRAATYK4UEOENJ45IKMILGTKFZXNFFATS4X4U6NL6G5KN"


def test_a_key_is_the_one_that_nats_reads() -> None:
    assert AccountKey(SEED).public == PUBLIC


def test_seeds_are_new_each_time_and_spelled_as_an_accounts() -> None:
    first, second = new_seed(), new_seed()
    assert first != second
    assert first.startswith("SA")
    assert AccountKey(first).public.startswith("A")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not the seed"),
        ("recount", "no base32"),
        (SEED.lower(), "no base32"),
        (PUBLIC, "not the seed"),
        (f"SU{SEED[2:]}", "not the seed"),
        (SEED[:-8], "length"),
        (SEED.replace("KEVK", "KEVL"), "checksum"),
    ],
)
def test_what_is_no_seed_is_refused_without_being_repeated(text: str, reason: str) -> None:
    with pytest.raises(InvalidSeed, match=reason) as refused:
        AccountKey(text)
    assert not text or text not in str(refused.value)


def test_a_token_is_signed_by_the_key_and_says_whose_it_is() -> None:
    token = AccountKey(SEED).token({"sub": "U1", "nats": {"type": "user"}})
    head, body, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    key = Ed25519PublicKey.from_public_bytes(base64.b32decode(PUBLIC)[1:-2])
    key.verify(signature, token.rpartition(".")[0].encode())
    assert msgspec.json.decode(head) == {"typ": "JWT", "alg": "ed25519-nkey"}
    claims = msgspec.json.decode(body)
    assert (claims["iss"], claims["sub"], claims["nats"]) == (PUBLIC, "U1", {"type": "user"})
    assert claims_of(token.encode()) == claims
