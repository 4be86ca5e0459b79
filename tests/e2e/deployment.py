"""The compose files, read: which command a service runs, and what the gateway sends it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import IO, Any

import httpx
import msgspec
from ruamel.yaml import YAML

from services.embedded.commands.migrate import NODES_AWAY
from tests.embedded.recount_process import ROOT, free_port
from tests.waiting import until

NOTHING_MORE: Mapping[str, str] = {}
CADDY = shutil.which("caddy")


DEPLOY = ROOT / "deploy"


def compose(name: str = "compose.small.yaml") -> dict[str, Any]:
    """The smaller one is what tests start: it is as many processes as a machine of tests has room
    for.
    """
    read: dict[str, Any] = YAML(typ="safe").load(ROOT / name)
    return read


def gateway_rules() -> str:
    return (DEPLOY / "gateway" / "rules.caddy").read_text()


class Urls(msgspec.Struct, frozen=True):
    """The servers that stand where the file names its own. clickhouse: a folder, or a URL.

    traces: where they are sent.
    """

    database: str
    nats: str
    clickhouse: Path | str
    issuer: str = ""
    system_user: str = ""
    traces: str = ""

    def environment(self, names: Iterable[str]) -> dict[str, str]:
        """What the file's variables are here. A secret is no file, and users and passwords stand
        in the URLs.
        """
        plain = [re.sub(r"(_URL|_USER|_ISSUER)_FILE$", r"\1", name) for name in names]
        known = [
            name
            for name in plain
            if not re.search(r"_(NATS|CLICKHOUSE)_USER$|_PASSWORD_FILE$", name)
        ]
        return {name: self.value(name) for name in known}

    def value(self, name: str) -> str:
        match name.split("_", 2)[2]:
            case "HOST":
                return "127.0.0.1"
            case "PORT":
                return str(free_port())
            case "DATABASE_URL" | "POSTGRES_URL":
                return self.database
            case "NATS_URL":
                return self.nats
            case "CLICKHOUSE_URL":
                if isinstance(self.clickhouse, str):
                    return self.clickhouse
                # One process per folder; where there are servers, all services share one.
                return f"chdb://{self.clickhouse}/{name.lower()}"
            case "NATS_ISSUER":
                return self.issuer
            case "NATS_SYSTEM_USER":
                return self.system_user
            case (
                "NATS_PUBLIC_URL" | "WEBHOOKS_ALLOW" | "LOG_KEY_FILE" | "WITNESSES" | "READS_SPOOL"
            ):
                return ""
            case "OTLP_ENDPOINT":
                return self.traces
            case "SAMPLER_ARG":
                return "0"
            case "TRUSTED_PROXIES":
                return "127.0.0.1"
            case _:
                raise AssertionError(f"compose.yaml sets {name}, which nobody here knows")


def command(service: str, urls: Urls) -> tuple[list[str], dict[str, str]]:
    """The service's command line and environment, for this machine."""
    described = compose()["services"][service]
    words: list[str] = described["command"]
    programs = {
        "python": [sys.executable, "-W", "error"],
        "recount": [sys.executable, "-c", "from services.embedded.cli import main; main()"],
    }
    environment = urls.environment(described["environment"])
    return [*programs[words[0]], *words[1:]], {"PYTHONPATH": str(ROOT), **environment}


def migrate(urls: Urls) -> None:
    words, environment = command("migrate", urls)
    done = subprocess.run(words, env=environment, check=False)
    # Without ClickHouse the services start as well.
    assert done.returncode in (0, NODES_AWAY), done.returncode


class Started(msgspec.Struct, frozen=True):
    process: "subprocess.Popen[bytes]"
    url: str


@contextmanager
def started(
    services: Sequence[str],
    urls: Urls,
    more: Mapping[str, str] = NOTHING_MORE,
    output: IO[bytes] | None = None,
) -> Iterator[Mapping[str, Started]]:
    """Each service as a process of its own, ready; ended afterwards, without a complaint.

    services: `query`, or `query 2` for another one of the same. more: settings. output: takes what
    they write.
    """
    migrate(urls)
    running: dict[str, Started] = {}
    with ExitStack() as opened:
        for service in services:
            kind = service.split()[0]
            words, environment = command(kind, urls)
            process = opened.enter_context(
                subprocess.Popen(words, env={**environment, **more}, stdout=output, stderr=output)
            )
            opened.callback(process.kill)
            port = environment[f"RECOUNT_{kind.upper()}_PORT"]
            running[service] = Started(process, f"http://127.0.0.1:{port}")
        for each in running.values():
            until(partial(is_ready, each), "the service is ready")
        yield running
        # What a test has killed is dead by then.
        alive = {name: each for name, each in running.items() if each.process.poll() is None}
        for each in alive.values():
            each.process.terminate()
        codes = {name: each.process.wait(60) for name, each in alive.items()}
    # uvicorn ends itself by the signal it was sent, once all is closed.
    assert set(codes.values()) <= {0, -15}, codes


def is_ready(service: Started) -> bool:
    assert service.process.poll() is None, "the service has ended"
    try:
        return httpx.get(f"{service.url}/_readyz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def gateway(running: Mapping[str, Started], folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a real Caddy with the deployment's own Caddyfile, before the services that run.

    port: of this machine; None: a free one.
    """
    port = port or free_port()
    for file in (DEPLOY / "gateway").iterdir():
        text = file.read_text()
        (folder / file.name).write_text(text.replace("//:8000", f"//127.0.0.1:{port}"))
    upstreams = {}
    for kind in ("command", "query"):
        theirs = [one.url for name, one in running.items() if name.split()[0] == kind]
        upstreams[f"{kind.upper()}_UPSTREAMS"] = " ".join(
            url.removeprefix("http://") for url in theirs
        )
    file = folder / "Caddyfile"
    homes = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
    environment = {**upstreams, **dict.fromkeys(homes, str(folder))}
    words = [CADDY or "caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stderr=log, stdout=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(partial(is_up, process, f"{url}/_gateway"), "Caddy is up")
        yield url
    finally:
        process.terminate()
        process.wait(60)


def is_up(process: "subprocess.Popen[bytes]", url: str) -> bool:
    assert process.poll() is None, "Caddy has ended"
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


class Gateway:
    """The gateway's four rules, as the gateway would apply them."""

    def __init__(self) -> None:
        text = gateway_rules()
        self._computations = re.compile(_one(r"@computations path_regexp (\S+)", text))
        pages = _one(r"@pages \{(.*?)\}", text)
        self._pages = _one(r"(?<!not )path (.*)", pages).split()
        self._writing_pages = re.compile(_one(r"not path_regexp (\S+)", pages))
        reads = _one(r"@reads \{(.*?)\}", text)
        self._methods = _one(r"method (.*)", reads).split()
        self._paths = _one(r"(?<!not )path (.*)", reads).split()
        self._others = _one(r"not path (.*)", reads).split()
        order = re.findall(r"handle ?(@\w+)? \{\s*import (\w+)", text)
        assert order == [
            ("@computations", "query"),
            ("@pages", "query"),
            ("@reads", "query"),
            ("", "command"),
        ]

    def service(self, method: str, path: str) -> str:
        pages = _matches(path, self._pages) and not self._writing_pages.search(path)
        if pages or self._computations.search(path):
            return "query"
        reads = method in self._methods and _matches(path, self._paths)
        return "query" if reads and not _matches(path, self._others) else "command"


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL if "{" in pattern else 0)
    assert found is not None, pattern
    return found[1]
