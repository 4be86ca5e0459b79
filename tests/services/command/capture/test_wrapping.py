"""Every way in which SDKs wrap the same JSON."""

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

import pytest

from services.command.capture.refusals import NotJson, TooLarge
from services.command.capture.wrapping import FORM, RawRequest, RequestText, unwrap

EVENT = {"event": "sign up", "distinct_id": "ä>>?ÿ~", "api_key": "phc_1"}
JSON = json.dumps(EVENT, ensure_ascii=False).encode()
BASE64 = b64encode(JSON)
# Made with lz-string's own compressToBase64.
LZ64 = (
    b"N4IgpgbmB2AuIC4AEIDOBLA5tJBXADiADQoAm6qs60AxrAPrqmIoAnAfOwPwD/AfsRQBDfOnoBrMAE8W"
    b"IfAAsa9AIwgAvkA="
)


def text_of(
    body: bytes = b"",
    *,
    query: Mapping[str, str] | None = None,
    content_type: str = "text/plain",
    content_encoding: str = "",
    limit: int = 10_000,
    base64_inside: bool = True,
) -> bytes:
    return unwrapped(
        body,
        query=query,
        content_type=content_type,
        content_encoding=content_encoding,
        limit=limit,
        base64_inside=base64_inside,
    ).text


def unwrapped(
    body: bytes,
    *,
    query: Mapping[str, str] | None = None,
    content_type: str = "",
    content_encoding: str = "",
    limit: int = 10_000,
    base64_inside: bool = True,
) -> RequestText:
    request = RawRequest(
        query=query or {},
        content_type=content_type,
        content_encoding=content_encoding,
        body=body,
    )
    return unwrap(request, limit=limit, base64_inside=base64_inside)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "application/json; charset=utf-8"]
)
def test_plain_json_is_read_under_any_label(content_type: str) -> None:
    assert text_of(JSON, content_type=content_type) == JSON


@pytest.mark.parametrize("label", ["", "gzip", "lz64", "base64"])
def test_gzip_is_known_by_its_bytes(label: str) -> None:
    assert text_of(gzip.compress(JSON), query={"compression": label}) == JSON
    assert text_of(gzip.compress(JSON), content_type=FORM) == JSON
    assert text_of(gzip.compress(JSON), content_encoding="gzip") == JSON


def test_gzip_in_several_members_is_one_text() -> None:
    assert text_of(gzip.compress(JSON[:9]) + gzip.compress(JSON[9:])) == JSON


def test_gzip_in_endless_members_is_refused() -> None:
    """Read one by one, 20 MiB of empty ones would hold the loop for an hour."""
    assert text_of(gzip.compress(JSON) + gzip.compress(b"") * 15) == JSON
    with pytest.raises(NotJson, match="members"):
        text_of(gzip.compress(JSON) + gzip.compress(b"") * 1_000_000)


def test_json_that_was_declared_gzip_is_still_json() -> None:
    assert text_of(JSON, query={"compression": "gzip-js"}, content_encoding="gzip") == JSON


def test_a_body_that_is_all_base64_is_decoded() -> None:
    assert text_of(BASE64) == JSON
    assert text_of(b64encode(gzip.compress(JSON))) == JSON


@pytest.mark.parametrize("name", ["base64", "b64", "BASE64"])
def test_declared_base64_may_lack_its_padding_and_its_pluses(name: str) -> None:
    assert BASE64.endswith(b"==")
    query = {"compression": name}
    assert text_of(BASE64.rstrip(b"="), query=query, base64_inside=False) == JSON
    assert text_of(BASE64.replace(b"+", b" "), query=query, base64_inside=False) == JSON
    assert text_of(JSON, query=query) == JSON
    with pytest.raises(NotJson):
        text_of(b"AAAAA", query=query)


@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_a_form_has_json_or_base64_in_data(encode: object) -> None:
    assert callable(encode)
    assert text_of(b"data=" + encode(JSON).encode(), content_type=FORM) == JSON
    assert text_of(b"data=" + encode(BASE64).encode() + b"&ver=1", content_type=FORM) == JSON


def test_an_unescaped_plus_in_a_form_is_put_back() -> None:
    assert b"+" in BASE64
    assert text_of(b"data=" + BASE64, content_type=f"{FORM}; charset=UTF-8") == JSON


def test_a_form_without_its_label_is_known_by_its_beginning() -> None:
    assert text_of(b"data=" + quote(BASE64).encode()) == JSON


def test_a_pixel_has_its_payload_in_the_query() -> None:
    assert text_of(query={"data": BASE64.decode()}) == JSON
    assert text_of(query={"data": BASE64.decode().replace("+", " ")}) == JSON
    assert text_of(query={"data": JSON.decode()}) == JSON


def test_data_in_the_query_wins_over_the_body() -> None:
    assert text_of(b"{}", query={"data": BASE64.decode()}) == JSON


@pytest.mark.parametrize("name", ["lz64", "LZ64", "lz-string"])
def test_lz_string_is_read(name: str) -> None:
    assert json.loads(text_of(LZ64, query={"compression": name})) == EVENT
    form = b"data=" + quote(LZ64).encode() + b"&compression=" + name.encode()
    assert json.loads(text_of(form, content_type=FORM)) == EVENT


def test_inflated_text_may_be_base64_once_more_on_some_routes() -> None:
    assert text_of(gzip.compress(BASE64)) == JSON
    assert text_of(gzip.compress(BASE64), base64_inside=False) == BASE64


def test_the_clock_of_the_client_is_in_the_query_or_the_form() -> None:
    assert unwrapped(JSON, query={"_": "1700000000123"}).sent_ms == 1_700_000_000_123
    form = b"data=" + quote(BASE64).encode() + b"&_=1700000000124"
    assert unwrapped(form, content_type=FORM).sent_ms == 1_700_000_000_124
    for unreadable in ("soon", "²", "9" * 5_000):
        assert unwrapped(JSON, query={"_": unreadable}).sent_ms is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", ""),
        (JSON, FORM),
        (b"ver=1&ip=1", FORM),
        (b"data=", FORM),
        (b"data=%7", FORM),
        (b"data=***", FORM),
        (b"\x1f\x8b\x08 but no more", ""),
        (gzip.compress(JSON, mtime=0)[:-9], ""),  # the time would be part of the test's name
    ],
)
def test_what_can_not_be_unwrapped_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(NotJson):
        text_of(body, content_type=content_type)


@pytest.mark.parametrize("broken", [b"!!!", b"AAAA", LZ64[:40], LZ64[4:]])
def test_broken_lz_string_is_refused(broken: bytes) -> None:
    with pytest.raises(NotJson):
        text_of(broken, query={"compression": "lz64"})


def test_what_inflates_beyond_the_limit_is_too_large() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 60_000
    with pytest.raises(TooLarge):
        text_of(bomb, limit=1_000_000)
    with pytest.raises(TooLarge):
        text_of(LZ64, query={"compression": "lz64"}, limit=20)
