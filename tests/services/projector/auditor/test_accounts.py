"""Keys, members and projects that somebody wrote into the tables are found, and told once gone."""

from typing import LiteralString

import pytest

from services.command.accounts.chains import Chains
from services.command.accounts.service import AccountWrites
from services.common.accounts import administration
from tests.services.projector.auditor.test_damage import auditor, told
from tests.services.projector.projecting import Projecting

MEMBER: LiteralString = (
    "INSERT INTO organization_members (organization_id, user_id, level)"
    " SELECT organization_id, 2, 15 FROM organization_members LIMIT 1"
)
KEY: LiteralString = (
    "INSERT INTO personal_api_keys (id, user_id, label, secure_value, mask_value, scopes)"
    " VALUES ('mine', 1, '', sha256('x'), '', '{*}')"
)


async def found(projector: Projecting) -> list[tuple[str, int]]:
    rows = await projector.rows("SELECT row_key, team_id FROM audit_findings ORDER BY 1")
    return [(row["row_key"], row["team_id"]) for row in rows]


async def beginning(projector: Projecting) -> None:
    """Ada, who owns the organization, and Bob, who is no member of any."""
    writes = AccountWrites(Chains(projector.pool, projector.store))
    ours = await writes.create_organization("Ours")
    ada = await writes.add_member("ada@example.com", ours.id, level=15)
    await writes.create_key(ada, scopes=["insight:read"])
    await writes.create_project(ours.id, "Shop")
    theirs = await writes.create_organization("Theirs")
    await administration.create_user(projector.pool, "bob@example.com", theirs.id)
    await projector.execute("DELETE FROM organization_members WHERE user_id = 2")


@pytest.mark.parametrize(
    ("wrote", "key"),
    [
        (MEMBER, '["organization_members","2"]'),
        (KEY, '["personal_api_keys","mine"]'),
        (
            "INSERT INTO projects (organization_id, name, api_token)"
            " SELECT organization_id, 'Mine', 'phc_mine' FROM projects",
            '["projects","2"]',
        ),
    ],
)
async def test_what_no_fact_tells_of_is_found(
    projector: Projecting, wrote: LiteralString, key: str
) -> None:
    await beginning(projector)
    await auditor(projector).round()
    assert await found(projector) == []
    await projector.execute(wrote)
    for _ in range(2):
        await auditor(projector).round()
        assert await found(projector) == [(key, -1)]
    (counted,) = await projector.rows("SELECT found, healed FROM audit_projects WHERE team_id = -1")
    assert counted == {"found": 1, "healed": 0}


async def test_a_key_that_opens_more_is_found_until_somebody_puts_it_right(
    projector: Projecting,
) -> None:
    await beginning(projector)
    (key,) = await projector.rows("SELECT id FROM personal_api_keys")
    await projector.execute("UPDATE personal_api_keys SET scopes = '{*}'")
    await auditor(projector).round()
    assert await found(projector) == [(f'["personal_api_keys","{key["id"]}"]', -1)]
    await projector.execute("UPDATE personal_api_keys SET scopes = '{insight:read}'")
    await auditor(projector).round()
    assert await found(projector) == []
    assert await told(projector) == [["personal_api_keys", key["id"]]]
    # What is less than was told harms nobody.
    await projector.execute("UPDATE organization_members SET level = 1")
    await projector.execute("UPDATE personal_api_keys SET revoked_at = now()")
    await auditor(projector).round()
    assert await found(projector) == []
