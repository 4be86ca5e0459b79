"""From bytes to text: which encoding, and which line is not in it."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from services.embedded.importing.faults import BadRecord, NotEvents

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK: Final = 1024 * 1024
_MARK = "\ufeff"


def encoding_of(head: bytes, named: str | None) -> str:
    """The named one, or the one that the bytes make sure; else UTF-8, to be seen.

    Raises NotEvents for bytes that are no text.
    """
    if named is not None:
        return known(named)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\x00" in head:
        # Text of mostly western letters in UTF-16 has zeros in every second place, and only there.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = len(head) // 2
        if even * 50 < half and odd * 2 > half:
            return "utf-16-le"
        if odd * 50 < half and even * 2 > half:
            return "utf-16-be"
        raise NotEvents("the file holds bytes that are no text. CSV, JSON and Parquet can be read.")
    return "utf-8"


def known(name: str) -> str:
    """Raises NotEvents when there is no such encoding of text."""
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
    except LookupError as cause:
        raise NotEvents(
            f"{name!r} is no encoding of text. Some are utf-8, utf-16, cp1252, latin-1, shift_jis."
        ) from cause
    return found.name


def decoded_head(head: bytes, encoding: str, *, is_whole: bool) -> str:
    """As much of the head as can be read; a wrong byte ends it."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        return decoder.decode(head, final=is_whole).removeprefix(_MARK)
    except UnicodeDecodeError as fault:
        return head[: fault.start].decode(encoding, "ignore").removeprefix(_MARK)


def lines(file: BinaryIO, encoding: str, *, old_mac: bool = False) -> Iterator[str]:
    """Each with its end. old_mac: they end with CR alone. Raises BadRecord, after what is good."""
    if old_mac or "\n".encode(encoding)[-1:] != b"\n" or len("\n".encode(encoding)) != 1:
        yield from _split(chunks(file, encoding), "\r" if old_mac else "\n")
        return
    for number, line in enumerate(file, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as fault:
            raise _not_in(encoding, f"line {number}", fault, line) from fault
        yield text.removeprefix(_MARK) if number == 1 else text


def chunks(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Of some million characters, wherever lines end. Raises BadRecord."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, is_first = 1, True
    while True:
        data = file.read(_CHUNK)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as fault:
            good = fault.object[: fault.start].decode(encoding, "ignore")
            yield good
            where = f"line {line + good.count(chr(10))}"
            raise _not_in(
                encoding, where, fault, fault.object[max(0, fault.start - 80) :]
            ) from fault
        line += text.count("\n")
        if text:
            yield text.removeprefix(_MARK) if is_first else text
            is_first = False
        if not data:
            return


def _split(pieces: Iterator[str], end: str) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + piece).split(end)
        for line in whole:
            yield line + "\n"
    if rest:
        yield rest


def _not_in(encoding: str, where: str, fault: UnicodeDecodeError, line: bytes) -> BadRecord:
    name = encoding.upper()
    if encoding != "utf-8":
        reason = (
            f"the text is not {name} (byte {fault.object[fault.start]:#04x}). Name its encoding"
        )
        return BadRecord(where, f"{reason} with --encoding.", is_last=True)
    # Shown, not guessed: of many encodings only a reader can tell which one makes sense.
    near = line.decode("cp1252", "replace").strip()[:60]
    reason = (
        f"the text is not UTF-8 (byte {fault.object[fault.start]:#04x}). Name its encoding, such as"
        f" --encoding cp1252, in which this line is {near!r}."
    )
    return BadRecord(where, reason, is_last=True)
