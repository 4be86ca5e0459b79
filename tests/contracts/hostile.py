"""Input that breaks what trusts it, for every operation of the API's own description."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

# As they stand in a query string, percent-encoded already.
IN_A_QUERY = (
    "",
    "%00",
    "%ff",
    "%ED%A0%BD",
    "%zz",
    "%",
    "5%00",
    "%5B%22%5Cu0000%22%5D",
    "%5B%22%5Cud800%22%5D",
    "%5B%22%ff%22%5D",
    "%7B%22a%22%3A%22%5Cu0000%22%7D",
    "%7B%22%5Cu0000%22%3A1%7D",
    "5",
    "-1",
    "1e400",
    "NaN",
    "9" * 40,
    "9" * 5_000,
    "[]",
    "%7B%7D",
    "null",
    "true",
    "%22",
    "%5B5%5D",
    "%5Bnull%5D",
    "%5B" * 300,
    "%5B%7B%22id%22%3A5%7D%5D",
    "%F0%9F%98%80",
    "a" * 3_000,
    "'",
    "-99999d",
    "99999-13-45",
)
CURSORS: tuple[Any, ...] = (
    ["name", False, "\0", 5],
    ["name", False, None, 2**70],
    ["order", False, 2**70, 5],
    [2**70],
    [-1],
    ["created_at", True, "2020-01-01T00:00:00", 1],
    ["created_at", True, "0001-01-01T00:00:00Z", 1],
    [True, "\0", 1],
    [True, None, -(2**63)],
    ["2020-01-01T00:00:00", "00000000-0000-0000-0000-000000000000"],
    ["9999-12-31T23:59:59Z", "00000000-0000-0000-0000-000000000000"],
    [5, "x"],
    ["x"],
    {},
    None,
    [[[]]],
)
IN_A_PATH = (
    "%00",
    "%ff",
    "9" * 40,
    "-1",
    "%20",
    "abcdefgh",
    "%F0%9F%98%80",
    "1%00",
    "@current%00",
    "'",
    "a" * 2_000,
)
IN_A_HEADER = (b"\xff", b"\xff\xfe", b"a" * 5_000, b'"', b"W/", b"-1", b"9" * 40, b"\xc3\xa9", b"")
# Where a body has a member, the whole of its value.
VALUES = (
    rb'"\u0000"',
    b'"\xff"',
    rb'"\ud800"',
    rb'["\u0000"]',
    rb'{"\u0000": 1}',
    b'{"\xff": 1}',
    b"5",
    b"-5.5",
    b"true",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"1e400",
    b"NaN",
    b"9" * 40,
    b"9" * 5_000,
    b'"x"',
    b"[[1]]",
    b'[{"id": 5}]',
    b'[{"a": 1}, 5, null]',
    b"[" * 90 + b"]" * 90,
    b'"a\x00b"',
    b'{"kind": 5}',
    b'{"kind": "FunnelsQuery", "series": 5}',
    b'{"properties": [5]}',
    b'[{"properties": 5}]',
    b'{"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": 5}]}',
    b"1e-20000",
)
# (Content-Type, body): whole ones.
BODIES = (
    (b"application/json", b"\xff"),
    (b"application/json", b'"\xff"'),
    (b"application/json", b"{"),
    (b"application/json", b"null"),
    (b"application/json", b"[]"),
    (b"application/json", b"\0"),
    (b"application/json", b"\xef\xbb\xbf{}"),
    (b"application/json", b"[" * 5_000),
    (b"application/json; charset=latin-1", b'{"name": "\xe9"}'),
    (b"application/json; charset=utf-16", '{"name": "é"}'.encode("utf-16")),
    (b"application/json; charset=utf-16", b"{}x"),
    (b"application/json; charset=zlib", b"{}"),
    (b"application/json; charset=\xff", b"{}"),
    (b"application/x-www-form-urlencoded", b"name=%ff"),
    (b"application/x-www-form-urlencoded", b"name=%00"),
    (b"application/x-www-form-urlencoded", b"\xff=1"),
    (b"application/x-www-form-urlencoded", b"name=%zz&name=b&&=&filters=[1&query={"),
    (b"application/x-www-form-urlencoded", b"filters=%7B%22a%22%3A%22%5Cu0000%22%7D"),
    (b"multipart/form-data", b"--xx\r\n\r\n--xx--"),
    (b"multipart/form-data; boundary=xx", b"nonsense"),
    (b"multipart/form-data; boundary=\xff", b"--\xff"),
    (b"text/plain", b"name=\xff"),
    (b"x/y", b"{}"),
    *(
        (
            b"multipart/form-data; boundary=xx",
            b'--xx\r\nContent-Disposition: form-data; name="%s"\r\n%s\r\n%s\r\n--xx--\r\n' % part,
        )
        for part in (
            (b"name", b"", b"\xff"),
            (b"\xff", b"", b"x"),
            (b"name", b"", b"\0"),
            (b"", b"", b""),
            (b"name", b"Content-Type: text/plain; charset=zlib\r\n", b"x"),
            (b"filters", b"", b"{"),
            (b"name", b"Content-Transfer-Encoding: base64\r\n", b"!"),
        )
    ),
    (
        b"multipart/form-data; boundary=xx",
        b'--xx\r\nContent-Disposition: form-data; name="name"; filename="\xff"\r\n\r\n\xff\r\n'
        b"--xx--\r\n",
    ),
)


# What is sent beside the member in question, so that somebody looks at that.
USUAL = {
    "query": b'{"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "one"},'
    b' {"kind": "EventsNode", "event": "two"}]}',
    "events": b'[{"id": "one", "order": 0}, {"id": "two", "order": 1}]',
    "funnel_step": b"1",
    "access_level": b'"viewer"',
}


class Hostile(msgspec.Struct, frozen=True, kw_only=True):
    """One request. path: with its query string, as it goes over the wire."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    @property
    def told(self) -> str:
        return f"{self.method} {self.path[:300]} {dict(self.headers)} {self.body[:200]!r}"


def requests(told: dict[str, Any], template: str, places: dict[str, str]) -> Iterator[Hostile]:
    """All against one path of the document `told`. places: what stands in paths otherwise."""
    for method, operation in told["paths"][template].items():
        parameters = operation.get("parameters", [])
        path = template
        for name, value in places.items():
            path = path.replace(f"{{{name}}}", value)
        yield from _of_parameters(method.upper(), path, template, parameters, places)
        if method in ("post", "put", "patch", "delete"):
            yield from _of_bodies(method.upper(), path, told, operation)


def _of_parameters(
    method: str,
    path: str,
    template: str,
    parameters: list[dict[str, Any]],
    places: dict[str, str],
) -> Iterator[Hostile]:
    required = "&".join(
        f"{each['name']}=5" for each in parameters if each["in"] == "query" and each.get("required")
    )
    for parameter in (*parameters, {"name": "unknown", "in": "query"}):
        name = parameter["name"]
        if parameter["in"] == "query":
            for value in IN_A_QUERY:
                yield Hostile(method=method, path=f"{path}?{required}&{quote(name)}={value}")
            yield Hostile(method=method, path=f"{path}?{quote(name)}=1&{quote(name)}=%00")
        elif parameter["in"] == "header":
            for raw in IN_A_HEADER:
                header = ((name.lower().encode(), raw),)
                yield Hostile(method=method, path=path, headers=header)
    for end in CURSORS:
        encoded = base64.urlsafe_b64encode(msgspec.json.encode(end)).decode().rstrip("=")
        for order in ("name", "-created_at", "order"):
            yield Hostile(method=method, path=f"{path}?order={order}&cursor={encoded}")
    for place in places:
        if f"{{{place}}}" in template:
            for value in IN_A_PATH:
                filled = template.replace(f"{{{place}}}", value)
                for name, usual in places.items():
                    filled = filled.replace(f"{{{name}}}", usual)
                yield Hostile(method=method, path=filled)


def _of_bodies(
    method: str, path: str, told: dict[str, Any], operation: dict[str, Any]
) -> Iterator[Hostile]:
    json = ((b"content-type", b"application/json"),)
    for content_type, body in BODIES:
        headers = ((b"content-type", content_type),)
        yield Hostile(method=method, path=path, headers=headers, body=body)
    yield Hostile(method=method, path=path, headers=json, body=b'{"personal_api_key": "\xff"}')
    members = _members(told, operation)
    for member in members:
        beside = b"".join(
            b', "%s": %s' % (name.encode(), USUAL[name])
            for name in members
            if name != member and name in USUAL
        )
        for value in VALUES:
            body = b'{"%s": %s%s}' % (member.encode(), value, beside)
            yield Hostile(method=method, path=path, headers=json, body=body)


def _members(told: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))
