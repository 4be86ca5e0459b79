"""The private keys of the log, in files: never in PostgreSQL, or who can rewrite the log could sign
it.

A folder with `log-1.pem`, `log-2.pem` …, each key made by a rotation; or one file with a key, or
with several, the newest last. PKCS 8, as `openssl genpkey -algorithm ed25519` makes them.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_NAME = re.compile(r"log-(?P<number>[1-9][0-9]*)\.pem")
_BLOCK = re.compile(rb"-----BEGIN [^-]+-----.*?-----END [^-]+-----\n?", re.DOTALL)


class UnusableKey(Exception):
    """A file that can't be read, or holds no Ed25519 key."""


class KeyFiles:
    """path: of the folder, or of the one file; what does not exist yet and has no `.` in its name
    is a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir() or (not self.path.exists() and not self.path.suffix)

    def read(self) -> Sequence[Ed25519PrivateKey]:
        """Oldest first; none where there is no file. Raises UnusableKey."""
        try:
            return [key for each in self._files() for key in _keys(each.read_bytes())]
        except (OSError, ValueError) as cause:
            raise UnusableKey(f"{self.path}: {cause}") from cause

    def add(self) -> Ed25519PrivateKey:
        """A new key, behind those that are there. Raises OSError."""
        key = Ed25519PrivateKey.generate()
        if not self.is_folder:
            _replace(self.path, self.path.read_bytes() + _pem(key))
            return key
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        last = max((_number(each) for each in self._files()), default=0)
        _replace(self.path / f"log-{last + 1}.pem", _pem(key))
        return key

    def _files(self) -> list[Path]:
        if not self.is_folder:
            return [self.path] if self.path.exists() else []
        found = self.path.iterdir() if self.path.is_dir() else ()
        return sorted((each for each in found if _NAME.fullmatch(each.name)), key=_number)


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _keys(text: bytes) -> list[Ed25519PrivateKey]:
    found = []
    for block in _BLOCK.findall(text):
        key = load_pem_private_key(block, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not an Ed25519 key")
        found.append(key)
    if not found:
        raise ValueError("no private key in it")
    return found


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _replace(path: Path, text: bytes) -> None:
    """Whole or not at all: a key that has signed must never be half lost."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _number(path: Path) -> int:
    named = _NAME.fullmatch(path.name)
    return int(named["number"]) if named is not None else 0
