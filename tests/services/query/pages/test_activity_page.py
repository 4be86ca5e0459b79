"""The page of what happens in a project: filters, who looked, the proof, and who may see it."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from uuid import uuid4

from contracts.events.audit import ReadsSealed
from contracts.events.recorded import SystemActor
from contracts.events.streams import audit_stream
from services.common.accounts import administration
from services.common.log.store import Append, AppendPart
from tests.services.query.pages.test_insights_page import signed_in
from tests.whole import Whole

ADMINISTRATOR = 8
PAGE = "/projects/@current/activity/"


async def by_an_administrator(whole: Whole) -> None:
    """Signed in as one."""
    number = await whole.member("root@recount.example", level=ADMINISTRATOR)
    issued = await administration.create_key(whole.pool, number)
    await whole.client.post("/login/", data={"key": issued.key})


async def happened(whole: Whole) -> int:
    made = await whole.create(name="Visits")
    path = f"{whole.insights}{made['id']}/"
    await whole.client.patch(path, json={"name": "Guests"})
    await whole.client.post(f"{path}viewed/")
    await whole.create(name="Others")
    return int(made["id"])


async def test_it_tells_what_happened_and_that_the_chain_holds(whole: Whole) -> None:
    number = await happened(whole)
    await by_an_administrator(whole)
    page = await whole.client.get(PAGE)
    assert page.status_code == 200
    assert page.text.index("insight renamed") < page.text.rindex("insight created")
    assert "by Ada" in page.text or "by ada" in page.text
    assert f"insight {number}</a>" in page.text
    assert "were checked just now" in page.text
    assert "Guests</a>: 1 view by" in page.text


async def test_it_is_filtered_by_what_who_and_insight(whole: Whole) -> None:
    number = await happened(whole)
    await by_an_administrator(whole)
    views = await whole.client.get(PAGE, params={"types": "viewing.*"})
    assert "viewing insight viewed" in views.text
    assert "insight renamed" not in views.text
    one = await whole.client.get(PAGE, params={"insight": str(number)})
    assert one.text.count("insight created") == 1
    nobody = await whole.client.get(PAGE, params={"user": "999"})
    assert "Nothing of the kind" in nobody.text
    assert (await whole.client.get(PAGE, params={"types": "nothing.*"})).status_code == 400


async def test_it_tells_what_is_signed(whole: Whole) -> None:
    await happened(whole)
    await by_an_administrator(whole)
    assert "Nothing of it is signed yet." in (await whole.client.get(PAGE)).text
    async with whole.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO signed_checkpoints (team_id, size, root, note, witnesses)"
            " VALUES (%s, 2, sha256('tree'), 'a note', 1)",
            (whole.project.id,),
        )
    page = await whole.client.get(PAGE)
    told = re.sub(r"<[^>]+>|\s+", " ", page.text)
    assert "Signed are the first 2 facts" in told
    assert "and by 1 witness, too; 2 have come since." in told


async def test_looking_is_no_news_of_itself(whole: Whole) -> None:
    await by_an_administrator(whole)
    seal = ReadsSealed(
        first=1, last=1, count=1, root="00" * 32, from_=datetime.now(UTC), to=datetime.now(UTC)
    )
    operation = uuid4()
    await whole.app.state.store.append(
        Append(
            parts=(AppendPart(audit_stream(whole.project.id), None, (seal,)),),
            actor=SystemActor(),
            operation_id=operation,
            correlation_id=operation,
        )
    )
    page = await whole.client.get(PAGE)
    assert "reads sealed" not in page.text
    (followed,) = re.findall(r'data-types="([^"]+)"', page.text)
    assert "insight.renamed.v1" in followed
    assert "audit.reads_sealed.v1" not in followed
    asked_for = await whole.client.get(PAGE, params={"types": "audit.*"})
    assert "audit reads sealed" in asked_for.text


async def test_a_changed_payload_is_told(whole: Whole) -> None:
    await happened(whole)
    await by_an_administrator(whole)
    async with whole.pool.connection() as conn:
        await conn.execute("ALTER TABLE log DISABLE TRIGGER ALL")
        await conn.execute(
            "UPDATE log SET state = convert_to("
            " replace(convert_from(state, 'UTF8'), 'Guests', 'Guesst'), 'UTF8')"
        )
    page = await whole.client.get(PAGE)
    assert "The chain does not hold" in page.text


async def test_it_has_one_script_that_the_policy_names(whole: Whole) -> None:
    await by_an_administrator(whole)
    page = await whole.client.get(PAGE)
    script = page.text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "connect-src 'self'" in policy
    assert "http" not in page.text


async def test_only_administrators_see_it(whole: Whole) -> None:
    client = await signed_in(whole)
    for path in (PAGE, f"{PAGE}stream/"):
        assert (await client.get(path)).status_code == 403
    client.cookies.clear()
    for path in (PAGE, f"{PAGE}stream/"):
        assert (await client.get(path)).headers["location"] == "/login/"
