"""Decompression that stops at a limit, so that a small body can't fill the memory."""

import sys
import zlib

import brotli  # type: ignore[import-untyped]  # the package has no types

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from services.command.capture.refusals import NotJson, TooLarge

GZIP_MAGIC = b"\x1f\x8b\x08"
# Each member copies what follows it; no SDK sends more than one.
MOST_MEMBERS = 16

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS


def too_large(limit: int) -> TooLarge:
    return TooLarge("too_large", f"The request is larger than {limit} bytes.")


def gunzip(data: bytes, limit: int) -> bytes:
    """All gzip members of `data`. Raises NotJson, and TooLarge beyond `limit` bytes."""
    whole, rest = _inflate(data, _GZIP, "gzip", limit)
    members = 1
    while rest.startswith(GZIP_MAGIC):
        members += 1
        if members > MOST_MEMBERS:
            raise NotJson("invalid_input", f"The gzip has more than {MOST_MEMBERS} members.")
        part, rest = _inflate(rest, _GZIP, "gzip", limit - len(whole))
        whole += part
    return whole


def unzlib(data: bytes, limit: int) -> bytes:
    """A zlib stream, which is what HTTP calls deflate."""
    return _inflate(data, _ZLIB, "deflate", limit)[0]


def _inflate(data: bytes, window_bits: int, name: str, limit: int) -> tuple[bytes, bytes]:
    machine = zlib.decompressobj(window_bits)
    try:
        text = machine.decompress(data, limit + 1)
    except zlib.error as cause:
        raise NotJson("invalid_input", f"The body is not valid {name}.") from cause
    if len(text) > limit:
        raise too_large(limit)
    if not machine.eof:
        raise NotJson("invalid_input", f"The body is {name} that ends too early.")
    return text, machine.unused_data


def unbrotli(data: bytes, limit: int) -> bytes:
    machine = brotli.Decompressor()
    try:
        text: bytes = machine.process(data, output_buffer_limit=limit + 1)
        while len(text) <= limit and not machine.is_finished():
            more = machine.process(b"", output_buffer_limit=limit + 1)
            if not more:
                raise NotJson("invalid_input", "The body is br that ends too early.")
            text += more
    except brotli.error as cause:
        raise NotJson("invalid_input", "The body is not valid br.") from cause
    if len(text) > limit:
        raise too_large(limit)
    return text


def unzstd(data: bytes, limit: int) -> bytes:
    machine = zstd.ZstdDecompressor()
    try:
        text: bytes = machine.decompress(data, max_length=limit + 1)
    except zstd.ZstdError as cause:
        raise NotJson("invalid_input", "The body is not valid zstd.") from cause
    if len(text) > limit:
        raise too_large(limit)
    if not machine.eof:
        raise NotJson("invalid_input", "The body is zstd that ends too early.")
    return text
