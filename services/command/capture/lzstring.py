"""lz-string's decompression, which SDKs before 2021 sent. The format: pieroxy.net, lz-string 1.4.

A stream of bits, most significant first. Codes 0 and 1 announce a new character of 8 or 16 bits, 2
ends the text; the others name an entry of a dictionary that grows with each code read, and with it
the width of the next code.
"""

from services.command.capture.refusals import NotJson, TooLarge

_NEW_BYTE = 0
_NEW_UNIT = 1
_END = 2


class _Bits:
    """Reads numbers from bytes, lowest bit of a number first, highest bit of a byte first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        first, self._at = self._at, self._at + count
        if self._at > len(self._data) * 8:
            raise _malformed()
        last_byte = (self._at + 7) // 8
        window = int.from_bytes(self._data[first // 8 : last_byte], "big")
        taken = (window >> (last_byte * 8 - self._at)) & ((1 << count) - 1)
        return int(f"{taken:0{count}b}"[::-1], 2)


def decompress(data: bytes, limit: int) -> bytes:
    """UTF-8 text of what `compressToBase64` packed, given without its base64.

    Raises NotJson, and TooLarge beyond `limit` UTF-16 units.
    """
    bits = _Bits(data)
    entries = ["", "", ""]
    width = 3
    first = bits.take(2)
    if first == _END:
        return b""
    if first not in (_NEW_BYTE, _NEW_UNIT):
        raise _malformed()
    previous = chr(bits.take(8 if first == _NEW_BYTE else 16))
    entries.append(previous)
    text = [previous]
    length = 1
    # Codes that can still be read before codes grow by one bit.
    until_wider = 4
    while True:
        code = bits.take(width)
        if code == _END:
            return _utf8("".join(text))
        if code in (_NEW_BYTE, _NEW_UNIT):
            entries.append(chr(bits.take(8 if code == _NEW_BYTE else 16)))
            code = len(entries) - 1
            until_wider -= 1
            if until_wider == 0:
                until_wider, width = 1 << width, width + 1
        if code < len(entries):
            entry = entries[code]
        elif code == len(entries):
            entry = previous + previous[0]
        else:
            raise _malformed()
        length += len(entry)
        if length > limit:
            raise TooLarge("too_large", f"The request is larger than {limit} bytes.")
        text.append(entry)
        entries.append(previous + entry[0])
        previous = entry
        until_wider -= 1
        if until_wider == 0:
            until_wider, width = 1 << width, width + 1


def _malformed() -> NotJson:
    return NotJson("invalid_input", "The body is not valid lz-string.")


def _utf8(units: str) -> bytes:
    """Characters are UTF-16 units; a unit without its pair becomes U+FFFD."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
