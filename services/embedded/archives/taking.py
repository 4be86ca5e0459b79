"""What an archive needs that is taken here: looked for before anything is written."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from contracts.archives import ArchivedUser, ArchiveManifest
from services.common.log.archiving import Conn
from services.embedded.archives import tables
from services.embedded.archives.checking import one_member, table_of
from services.embedded.refusal import CannotStart

_PROJECT = """
    SELECT EXISTS (SELECT FROM projects WHERE id = %(id)s)
        OR EXISTS (SELECT FROM log_heads WHERE team_id = %(id)s)"""
_USERS = "SELECT id, email FROM users WHERE id = ANY(%s) OR email = ANY(%s) ORDER BY id"
# What is looked for at once.
_AT_ONCE = 10_000


class NumbersTaken(CannotStart):
    """Numbers of the archive mean something else here. They are in its hashes, so they stay."""


def refuse_taken(conn: Conn, path: Path, manifest: ArchiveManifest) -> None:
    """Raises NumbersTaken, and CannotStart for an archive from the future."""
    (is_taken,) = conn.execute(_PROJECT, {"id": manifest.project}).fetchone() or (False,)
    if is_taken:
        raise _taken(f"Project {manifest.project} is taken here")
    _refuse_future(conn, manifest)
    numbered = {table.name for table in tables.NUMBERED}
    for member in one_member(path, lambda name: name.startswith("tables/")):
        table = table_of(member.name)
        if table in numbered:
            _refuse_numbers(conn, table, manifest.project, member.lines())
        elif table == "users":
            _refuse_users(conn, [user_of(line) for line in member.lines()])


def user_of(line: bytes) -> ArchivedUser:
    return msgspec.json.decode(line, type=ArchivedUser)


def _refuse_future(conn: Conn, manifest: ArchiveManifest) -> None:
    (now,) = conn.execute("SELECT clock_timestamp()").fetchone() or (None,)
    if now is not None and manifest.last_at is not None and manifest.last_at > now:
        raise CannotStart(
            f"The archive's last fact is of {manifest.last_at:%Y-%m-%d %H:%M:%S} UTC, and it is"
            f" {now:%Y-%m-%d %H:%M:%S} UTC here: what is written next would be before it. One of"
            " the clocks is wrong. Nothing was written."
        )


def _refuse_numbers(conn: Conn, table: str, team_id: int, lines: Iterable[bytes]) -> None:
    numbers: list[int] = []
    for line in lines:
        numbers.append(msgspec.json.decode(line)["id"])
    for first in range(0, len(numbers), _AT_ONCE):
        found = tables.taken(conn, table, team_id, numbers[first : first + _AT_ONCE])
        if found:
            kind = table.removesuffix("_ids").removesuffix("s").replace("_", " ")
            named = ", ".join(map(str, found))
            raise _taken(f"Another project has this archive's {kind} numbers: {named}")


def _refuse_users(conn: Conn, users: list[ArchivedUser]) -> None:
    """The facts name people by number: they must be the same people here, or nobody yet."""
    here = conn.execute(_USERS, ([user.id for user in users], [user.email for user in users]))
    known: dict[int, str] = dict(here.fetchall())
    numbers = {email: number for number, email in known.items()}
    for user in users:
        if known.get(user.id, user.email) != user.email:
            raise _taken(
                f"User {user.id} is {user.email} in the archive, and {known[user.id]} here"
            )
        if (here_as := numbers.get(user.email, user.id)) != user.id:
            raise _taken(f"{user.email} is user {user.id} in the archive, and user {here_as} here")


def _taken(why: str) -> NumbersTaken:
    return NumbersTaken(
        f"{why}. An archive keeps its numbers, which its hashes hold: import it where they are"
        " free, as into a new data folder. Nothing was written."
    )
