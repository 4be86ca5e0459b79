"""insights-api.md, Errors: one shape; bodies as clients really send them."""

import json
from urllib.parse import quote

import pytest

from tests.contracts.api.talk import Api

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_unknown_paths_and_methods_are_refused_in_the_one_shape(api: Api) -> None:
    made = await api.insight()
    for path in (
        "/api/", "/api/nowhere/", "/api/projects/1/nowhere/", "/api/projects/1/insights/1/nowhere/",
        "/nowhere", "/api/users/2/",
    ):  # fmt: skip
        for method in ("GET", "POST", "PATCH", "DELETE"):
            (await api(f"{method} {path}")).refuses(404, "not_found")
    for request, allowed in (
        (f"DELETE insights/{made['id']}/", {"GET", "PATCH", "PUT"}),
        ("DELETE insights/", {"GET", "POST"}),
        (f"PUT insights/{made['id']}/sharing/", {"GET", "PATCH"}),
        (f"GET insights/{made['id']}/viewed/", {"POST"}),
        ("POST insights/my_last_viewed/", {"GET"}),
        ("GET insights/cancel/", {"POST"}),
        ("DELETE insights/activity/", {"GET"}),
        ("DELETE insights/funnel/", {"GET", "POST"}),
    ):
        answer = await api(request)
        answer.refuses(405, "method_not_allowed", f'Method "{request.split()[0]}" not allowed.')
        assert allowed <= set(answer.headers["allow"].replace(" ", "").split(",")), request


@pytest.mark.parametrize("text", ["{", '{"name": }', "{'name': 'A'}", "nonsense", '{"a":1}x'])
async def test_what_is_neither_json_nor_a_form_is_refused(api: Api, text: str) -> None:
    answer = await api("POST insights/", text=text, headers=JSON)
    answer.refuses(400, "invalid_json")


async def test_a_body_that_is_no_object_is_refused(api: Api) -> None:
    for text in ("[1]", '"text"', "3"):
        answer = await api("POST insights/", text=text, headers=JSON)
        assert (answer.status, answer["type"]) == (400, "validation_error")


async def test_what_is_of_the_wrong_kind_is_told_as_django_tells_it(api: Api) -> None:
    for where, sent, code, detail, attr in (
        ("insights", '{"tags":"a"}', "not_a_list", 'a list of items but got type "str".', "tags"),
        ("insights", '{"tags":{}}', "not_a_list", 'a list of items but got type "dict".', "tags"),
        ("insights", "[]", "invalid_input", "a dictionary, but got list.", None),
        (
            "dashboards",
            '{"restriction_level":99}',
            "invalid_choice",
            '"99" is not a valid choice.',
            "restriction_level",
        ),
    ):
        answer = await api(f"POST {where}/", text=sent, headers=JSON)
        assert (answer.status, answer["code"], answer["attr"]) == (400, code, attr)
        assert answer["detail"].endswith(detail)


async def test_forms_and_the_docs_own_curl_lines_are_read(api: Api) -> None:
    """`-d name="string"`, labelled JSON: PostHog answers 400, its docs promise 200."""
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        answer = await api(
            "POST insights/",
            text='name=string&tags=["b","a"]&favorited=true&query=null&order=3',
            headers={"Content-Type": kind},
        )
        answer.says(201, name="string", tags=["a", "b"], favorited=True, query=None, order=3)
    funnel = await api("POST insights/funnel/", text='events=[{"id":"a"},{"id":"b"}]', headers=JSON)
    assert [step["count"] for step in funnel["result"]] == [0, 0]


async def test_a_form_may_escape_its_first_letter(api: Api) -> None:
    (await api("POST insights/", text="%6eame=A", headers=FORM)).says(201, name="A")


async def test_a_form_is_held_to_what_json_is(api: Api) -> None:
    for text, code in (
        ("filters=" + quote('{"a":"\\u0000"}'), "null_characters_not_allowed"),
        ("filters=a%00b", "null_characters_not_allowed"),
        ("filters=" + "[" * 3000 + "]" * 3000, "invalid_json"),
        ('filters={"a":1e999}', "invalid_input"),
    ):
        answer = await api("POST insights/", text=text, headers=FORM)
        assert (answer.status, answer["code"]) == (400, code), text


async def test_a_number_beyond_reach_is_refused_wherever_it_is_kept(api: Api) -> None:
    made = await api.insight()
    for number in ("1e999", "9" * 6000):
        for field in ("filters", "query"):
            text = f'{{"{field}": {{"kind": {number}}}}}'
            answer = await api(f"PATCH insights/{made['id']}/", text=text, headers=JSON)
            answer.refuses(400, "invalid_input", attr=field)


async def test_a_form_of_endless_fields_is_refused(api: Api) -> None:
    most = "&".join(["name=A"] * 1_000)
    (await api("POST insights/", text=most, headers=FORM)).says(201, name="A")
    more = await api("POST insights/", text=f"{most}&name=B", headers=FORM)
    more.refuses(400, "invalid_json")


async def test_a_string_that_never_ends_is_looked_at_once(api: Api) -> None:
    """Looked at again from each of its quotes, this one would take hours."""
    text = '{"a":' + "[]" * 101 + '"' + '\\"' * 500_000
    (await api("POST insights/", text=text, headers=JSON)).refuses(400, "invalid_json")


async def test_a_media_type_that_nobody_reads_is_refused(api: Api) -> None:
    for kind in ("application/xml", "image/png", "application/octet-stream"):
        answer = await api("POST insights/", text="<a/>", headers={"Content-Type": kind})
        answer.refuses(415, "unsupported_media_type")


async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    huge = json.dumps({"description": "x" * (21 * 1024 * 1024)})
    (await api("POST insights/", text=huge, headers=JSON)).refuses(413, "too_large")


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    for reference in ("999999", "abcdefgh", "no-such-thing", "0", "99999999999999999999", "%20"):
        for request in (f"GET insights/{reference}/", f"PATCH insights/{reference}/"):
            body = {"name": "A"} if request.startswith("PATCH") else None
            (await api(request, body)).refuses(404, "not_found", "Not found.")


async def test_nothing_in_a_path_or_a_query_breaks_the_server(api: Api) -> None:
    for path in (
        "insights/?search=%00", "insights/?limit=%F0%28", "insights/%00/", "insights/?order=%00",
        "insights/?cursor=AAAA", "insights/?cursor=%FF%FE", "insights/?offset=99999999999999999999",
        "insights/?dashboards=[99999999999999999999]", "insights/?created_by=99999999999999999999",
        "insights/?tags=[%22%00%22]", "insights/?date_from=-99999999d", "insights/?short_id=%00",
    ):  # fmt: skip
        answer = await api(f"GET {path}")
        assert answer.status in (200, 400, 404), (path, answer.body)


async def test_what_has_a_get_has_a_head_without_a_body(api: Api) -> None:
    made = await api.insight(name="A")
    for path in (f"insights/{made['id']}/", "insights/", "insights/?format=csv", "/api/projects/"):
        read, head = await api(f"GET {path}"), await api(f"HEAD {path}")
        assert (head.status, head.body) == (200, "")
        for name in ("content-type", "content-length", "etag", "insights-position"):
            assert head.headers.get(name) == read.headers.get(name), (path, name)
    assert (await api("HEAD insights/0/")).status == 404
    refused = await api("HEAD insights/cancel/")
    assert (refused.status, refused.body) == (405, "")
    assert refused.headers["allow"] == "OPTIONS, POST"
    assert "HEAD" in (await api("DELETE insights/activity/")).headers["allow"].split(", ")


async def test_json_ends_with_a_line_break_and_nothing_else_is_longer(api: Api) -> None:
    made = await api.insight(name="A")
    client, path = api.here.client, f"{api.here.insights}{made['id']}/"
    read = await client.get(path)
    for answer in (read, await client.get(f"{path}nowhere/"), await client.get("/api/projects/0/")):
        assert answer.text.endswith("}\n")
        assert answer.headers.get_list("content-length") == [str(len(answer.content))]
    known = await client.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert (known.status_code, known.text) == (304, "")
    viewed = await client.post(f"{path}viewed/")
    assert (viewed.status_code, viewed.text) == (201, "")
    rows = await client.get(f"{path}?format=csv")
    assert not rows.text.endswith("\n\n")
