"""Accounts beside what their organizations' chains tell of them: nothing is righted there."""

import msgspec

from services.common.accounts.comparing import AccountDifference, Kind, account_differences
from services.common.logs import logger
from services.projector.auditor import metrics, state
from services.projector.auditor.comparing import RowKey
from services.projector.checkpoint import Connection

log = logger("recount.auditor")

ACCOUNTS = "accounts"
_TABLES: dict[Kind, str] = {
    "member": "organization_members",
    "key": "personal_api_keys",
    "project": "projects",
}


async def find_untold(conn: Connection) -> None:
    """Rows that give what no chain tells become findings, and stay so until they are gone: who may
    do what is in the tables alone, so only people can say which of the two is right.
    """
    untold = [each for each in await account_differences(conn) if each.untold]
    new = await state.found(conn, ACCOUNTS, [_row(each) for each in untold])
    metrics.divergent_rows.inc(new)
    for each in untold if new else ():
        log.error(
            "account_untold",
            organization=str(each.organization_id),
            account=f"{each.kind} {each.id}",
            told=each.told,
            there=each.there,
        )


def _row(difference: AccountDifference) -> RowKey:
    """Of a member, by the user's number."""
    key = [_TABLES[difference.kind], difference.id]
    return RowKey(msgspec.json.encode(key).decode(), difference.chain)
