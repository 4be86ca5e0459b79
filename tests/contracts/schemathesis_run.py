"""Requests made from the API's own description, against a running server.

python -m tests.contracts.schemathesis_run --requests 20000

Two things may never happen: an answer of 5xx, and an answer that the description does not know: its
status, its media type, its headers, its body. Requests are valid ones and broken ones, single and
in chains (what a POST made is read, changed and shared). What fails is printed with a line of curl.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.schemas import BaseSchema

from tests import servers
from tests.embedded.recount_process import Served, recount, serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
PHASES = ("examples", "coverage", "fuzzing", "stateful")
# One waits for as long as it is asked to, the other has no end.
SLOW = ["/i/position", "/api/projects/{project}/facts/stream/"]


class Found(msgspec.Struct, frozen=True):
    """requests: how many were answered. statuses: of the answers. failures: by what is wrong."""

    requests: int
    statuses: dict[int, int]
    failures: dict[str, str]
    errors: list[str]

    def and_(self, other: "Found") -> "Found":
        statuses = Counter(self.statuses) + Counter(other.statuses)
        return Found(
            self.requests + other.requests,
            dict(statuses),
            self.failures | other.failures,
            self.errors + other.errors,
        )

    def told(self) -> str:
        statuses = ", ".join(
            f"{status}: {count}" for status, count in sorted(self.statuses.items())
        )
        lines = [f"{self.requests} requests ({statuses}); {len(self.failures)} kinds of failure"]
        lines += [f"\n{what}\n{how}" for what, how in self.failures.items()]
        lines += [f"\nerror: {error}" for error in self.errors]
        return "\n".join(lines)


def run(server: Served, key: str, requests: int, *, seed: int, whole: bool = True) -> Found:
    """About so many requests: of each route, then in chains until there were as many.

    whole: at the limits of all that is described besides, which are some 15,000.
    """
    found = Found(0, {}, {}, [])
    for phase in ("coverage", "fuzzing", "stateful") if whole else ("fuzzing", "stateful"):
        begun = time.monotonic()
        left = max(requests - found.requests, requests // 4)
        schema = _schema(server, key, phase, left, seed)
        of_phase = _phase(schema, left if phase == "stateful" else None)
        click.echo(f"{phase}: {time.monotonic() - begun:.0f} s, {of_phase.told()}", err=True)
        found = found.and_(of_phase)
    return found


def _schema(server: Served, key: str, phase: str, requests: int, seed: int) -> BaseSchema:
    """requests: how many of them this phase and the ones behind it have."""
    url = f"{server.url}/api/schema/"
    described = httpx.get(url).json()
    operations = sum(len(methods) for methods in described["paths"].values())
    examples = requests if phase == "stateful" else max(3, requests // 2 // operations)
    found = schemathesis.openapi.from_url(url, config=_config(key, phase, examples, seed))
    schema: BaseSchema = found.exclude(path=SLOW)
    return schema


def _phase(schema: BaseSchema, requests: int | None) -> Found:
    """requests: when to stop; None: when there is nothing left to try."""
    statuses: Counter[int] = Counter()
    failures: dict[str, str] = {}
    errors: list[str] = []
    stream = from_schema(schema).execute()
    for event in stream:
        match event:
            case events.ScenarioFinished():
                for interaction in event.recorder.interactions.values():
                    if interaction.response is not None:
                        statuses[interaction.response.status_code] += 1
                failures |= _failures(event)
            case events.NonFatalError():
                errors.append(f"{event.label}: {event.value}")
            case events.FatalError():
                errors.append(str(event.exception))
            case _:
                pass
        if requests is not None and statuses.total() >= requests:
            stream.stop()
    return Found(statuses.total(), dict(statuses), failures, errors)


def _failures(event: events.ScenarioFinished) -> dict[str, str]:
    found = {}
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                what = f"{event.recorder.label}: {failure.title}"
                found[what] = f"{failure.message}\n{check.failure_info.code_sample}"
    return found


def _config(key: str, phase: str, examples: int, seed: int) -> SchemathesisConfig:
    checks: dict[str, Any] = {name: {"enabled": True} for name in CHECKS}
    # A name that is wrong is not thrown at every door: that would be all 404 and no API.
    parameters = {
        "path.project": "1",
        "path.organization": "@current",
        # A position that nobody has written yet is waited for, and then a 503 as it has to be.
        "header.Insights-Position": "0",
        "query.wait": "0",
        # What is followed has no end.
        "query.follow": "false",
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "headers": {"Authorization": f"Bearer {key}"},
            # More of them race for imports of hypothesis, and no run would be another's repeat.
            "workers": 1,
            "continue-on-failure": True,
            "request-timeout": 30,
            "parameters": parameters,
            "checks": {"enabled": False, **checks},
            "phases": {name: {"enabled": name == phase} for name in PHASES},
            "generation": {
                "mode": "positive" if phase == "stateful" else "all",
                "max-examples": examples,
                "database": "none",
                "no-shrink": True,
            },
            "output": {"sanitization": {"enabled": False}},
        }
    )


def new_key(data: Path) -> str:
    """A key for everything."""
    made = recount("keys", "create", "--data-dir", str(data), "--json")
    assert made.returncode == 0, made.stderr
    return str(msgspec.json.decode(made.stdout.splitlines()[-1])["key"])


@click.command()
@click.option("--requests", default=20_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(requests: int, seed: int) -> None:
    """Exits with 1 when anything fails."""
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as server:
        found = run(server, new_key(folder / "data"), requests, seed=seed)
    click.echo(found.told())
    raise SystemExit(bool(found.failures or found.errors or found.requests < requests))


if __name__ == "__main__":
    main()
