"""No line of a log carries a secret, whoever writes it."""

import json
import subprocess
import sys

import pytest
from litestar import get
from litestar.params import FromPath
from litestar.testing import AsyncTestClient

from services.common import logs
from services.common.http.app import ServicePart, compose

SECRET = "s3cr3tW0rd-abc_DEF"


@pytest.mark.parametrize(
    "line",
    [
        f"GET /shared/{SECRET}",
        f'"GET /shared/{SECRET}/ HTTP/1.1" 500',
        f"/embedded/{SECRET}?x=1",
        f"/api/projects/1/insights/?personal_api_key={SECRET}&limit=1",
        f"/api/projects/1/insights/1/?sharing_access_token={SECRET}",
        f"phx_{SECRET}",
        f"whsec_{SECRET}",
        f"whsk_{SECRET}",
        f"{{'api_key': 'phc_{SECRET}'}}",
        f'{{"token": "{SECRET}"}}',
        f'{{\\"raw_password\\": \\"{SECRET}\\"}}',
        f"password={SECRET} user=recount",
        f"Authorization: Bearer {SECRET}",
        f"(b'authorization', b'Bearer {SECRET}')",
        f"postgresql://recount:{SECRET}@127.0.0.1:5432/recount",
        f"nats://{SECRET}@127.0.0.1:4222",
        f"DETAIL:  Key (access_token)=({SECRET}) already exists.",
        f"share-token={SECRET}; path=/",
    ],
)
def test_a_secret_is_told_by_where_it_stands(line: str) -> None:
    assert SECRET not in logs.without_secrets(line)
    assert "…" in logs.without_secrets(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"task": "relay", "cause": "TimeoutError", "event": "task_waits"}',
        "POST /api/projects/1/insights/ 201",
        "nats://127.0.0.1:4222",
        "projected projection=insights position=3",
    ],
)
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert logs.without_secrets(line) == line


def test_every_logger_of_a_process_writes_without_them() -> None:
    """uvicorn's, a library's, ours; the message, its fields and the trace."""
    program = (
        "import logging\n"
        "from services.common import logs\n"
        "logs.configure()\n"
        "for name in ('uvicorn.error', 'uvicorn.access', 'asyncio', 'recount.problems'):\n"
        "    try:\n"
        f"        raise RuntimeError('/shared/{SECRET}')\n"
        "    except RuntimeError as cause:\n"
        f"        logging.getLogger(name).error('at %s', '?personal_api_key={SECRET}',"
        " exc_info=cause)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert SECRET not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == [
        *("uvicorn.error", "uvicorn.access", "asyncio", "recount.problems")
    ]
    assert all("RuntimeError: /shared/…" in line["exception"] for line in lines)


async def test_a_failed_request_is_told_by_its_route(caplog: pytest.LogCaptureFixture) -> None:
    @get("/shared/{token:str}", opt={"public": True})
    async def fails(token: FromPath[str]) -> None:
        raise RuntimeError("a defect")

    async with AsyncTestClient(compose([ServicePart(handlers=[fails])])) as client:
        answer = await client.get(f"/shared/{SECRET}/?sharing_access_token={SECRET}")
    assert answer.status_code == 500
    assert SECRET not in caplog.text
    assert "GET /shared/{token}" in caplog.text
