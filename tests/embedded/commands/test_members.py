"""`recount members rank` and `recount keys revoke`, beside a running server and without one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from services.embedded import datadir
from tests import servers, waiting
from tests.embedded.recount_process import recount, serving


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with servers.server_folder() as made:
        yield made / "data"


def made(data: Path, *arguments: str) -> dict[str, Any]:
    done = recount(*arguments, "--data-dir", str(data), "--json")
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return printed


def me(url: str, key: str) -> httpx.Response:
    return httpx.get(f"{url}/api/users/@me/", headers={"Authorization": f"Bearer {key}"})


def facts_of(data: Path) -> list[str]:
    running = datadir.find(data)
    assert running is not None
    with psycopg.connect(running.postgres_url) as connection:
        rows = connection.execute("SELECT topic FROM log WHERE team_id = -1 ORDER BY team_seq")
        return [topic.split(".")[1] for (topic,) in rows]


def test_ranks_and_revoked_keys_are_said_and_done(data: Path) -> None:
    with datadir.claim(data):
        pass
    # Without a server.
    bob = made(data, "keys", "create", "--user", "bob@x.example")
    gone = made(data, "keys", "create", "--user", "bob@x.example")
    ranked = made(data, "members", "rank", "bob@x.example", "8")
    assert ranked == {"user_id": 2, "email": "bob@x.example", "level": 8, "previous": 1}
    revoked = recount("keys", "revoke", gone["id"], "--data-dir", str(data))
    assert revoked.stdout == f"Key {gone['id']} is revoked.\n"
    with serving(data, "--no-demo") as served:
        assert me(served.url, gone["key"]).status_code == 401
        answer = me(served.url, bob["key"])
        assert answer.json()["organization"]["membership_level"] == 8
        # Beside it: heard of, and dead.
        assert made(data, "members", "rank", "bob@x.example", "15")["previous"] == 8
        waiting.until(
            lambda: me(served.url, bob["key"]).json()["organization"]["membership_level"] == 15,
            "his rank was known",
        )
        recount("keys", "revoke", bob["id"], "--data-dir", str(data))
        waiting.until(lambda: me(served.url, bob["key"]).status_code == 401, "his key was dead")
        first = served.printed.partition("API key")[2].split()[0]
        mine = me(served.url, first).json()["organization"]["membership_level"]
        assert mine == 15
        assert facts_of(data) == [
            *("member_added", "project_created", "member_added", "key_created", "key_created"),
            *("member_rank_changed", "key_revoked"),
            *("key_created", "member_rank_changed", "key_revoked"),
        ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("members", "rank", "nobody@x.example", "8"), "no member with the address"),
        (("members", "rank", "me@recount.example", "9"), "'9' is not one of"),
        (("keys", "revoke", "-hyphen-first-id"), "There is no key with the id -hyphen-first-id."),
    ],
)
def test_whom_nobody_knows_is_refused_in_a_sentence(
    data: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused = recount(*arguments, "--data-dir", str(data))
    assert refused.returncode != 0
    assert said in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
