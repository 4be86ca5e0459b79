"""Clients that nobody wrote for Recount, against a running server: SDKs and generated code."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import msgspec
import pytest

from tests import servers
from tests.contracts.schemathesis_run import new_key
from tests.e2e.node_packages import installed
from tests.e2e.python_packages import program
from tests.embedded.recount_process import serving
from tests.waiting import until

NODE_SDK = "posthog-node@5.70.0"
AGENT_TOOLKIT = "@posthog/agent-toolkit@0.2.4"
COMMAND_LINE = "phog-cli==0.1.0"


class Server(msgspec.Struct, frozen=True):
    """A running server. token: of project 1. key: for everything."""

    url: str
    token: str
    key: str

    def get(self, path: str) -> Any:
        answer = httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.key}"})
        answer.raise_for_status()
        return answer.json()

    def capture(self, event: str, *who: str, **properties: str) -> None:
        """Now, once for each of these."""
        batch = [{"event": event, "distinct_id": one, "properties": properties} for one in who]
        answer = httpx.post(f"{self.url}/batch", json={"api_key": self.token, "batch": batch})
        answer.raise_for_status()

    def funnel(self, *events: str) -> list[int]:
        """How many came to each step."""
        steps = [{"id": event, "order": order} for order, event in enumerate(events)]
        answer = httpx.post(
            f"{self.url}/api/projects/@current/insights/funnel/?refresh=true",
            json={"events": steps},
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=60,
        )
        answer.raise_for_status()
        return [step["count"] for step in answer.json()["result"]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as served:
        key = new_key(folder / "data")
        bare = Server(served.url, "", key)
        yield Server(served.url, bare.get("/api/projects/@current/")["api_token"], key)


def test_what_the_python_sdk_captures_comes_out_as_the_right_funnel(server: Server) -> None:
    program = str(Path(__file__).with_name("capture.py"))
    sent = subprocess.run(
        [sys.executable, program, server.url, server.token],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert sent.returncode == 0, sent.stderr
    until(lambda: server.funnel("signed_up", "paid") == [10, 5], "all had arrived")


def test_what_posthog_node_captures_comes_out_as_the_right_funnel(
    server: Server, tmp_path: Path
) -> None:
    node = installed(tmp_path, NODE_SDK)
    shutil.copy(Path(__file__).with_name("capture.mjs"), tmp_path)
    sent = subprocess.run(
        [node, "capture.mjs", server.url, server.token],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert sent.returncode == 0, sent.stderr
    until(lambda: server.funnel("node_signed_up", "node_paid") == [6, 4], "all had arrived")


@pytest.mark.timeout(300)
def test_posthogs_toolkit_for_agents_asks_for_a_trend_and_keeps_it(
    server: Server, tmp_path: Path
) -> None:
    node = installed(tmp_path, AGENT_TOOLKIT, seconds=150)
    server.capture("trend_viewed", "ann", "ben", plan="team")
    server.capture("trend_viewed", "ann", plan="free")
    until(lambda: server.funnel("trend_viewed", "nothing") == [2, 0], "all had arrived")
    shutil.copy(Path(__file__).with_name("agent.mjs"), tmp_path)
    asked = subprocess.run(
        [node, "agent.mjs", server.url, server.key],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    told = json.loads(asked.stdout)
    rows = [(row["label"], row["data"], row["count"]) for row in told["run"]]
    assert rows == [("team", [0, 0, 2], 2), ("free", [0, 0, 1], 1)]
    assert (told["name"], told["again"]) == ("Viewers", told["run"])


@pytest.mark.timeout(300)
def test_a_command_line_for_posthog_shows_pageviews_and_active_users(
    server: Server, tmp_path: Path
) -> None:
    posthog = program(tmp_path, COMMAND_LINE, "posthog")
    server.capture("$pageview", "cli_one", "cli_one", "cli_two")
    until(lambda: server.funnel("$pageview", "nothing") == [2, 0], "all had arrived")
    environment = {
        "POSTHOG_API_KEY": server.key, "POSTHOG_HOST": server.url, "POSTHOG_PROJECT_ID": "1",
        "HOME": str(tmp_path),
    }  # fmt: skip

    def shown(*command: str) -> list[dict[str, Any]]:
        run = subprocess.run(
            [posthog, "--json", "activity", *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        rows: list[dict[str, Any]] = json.loads(run.stdout)["results"]
        return rows

    (views,) = shown("pageviews", "--date-from=-1d")
    assert (views["label"], views["data"]) == ("$pageview", [0, 3])
    assert views["action"]["custom_name"] == "Pageviews"
    (daily,) = shown("users", "--period=daily", "--date-from=-1d")
    assert daily["data"] == [0, 2]
    (monthly,) = shown("users", "--period=monthly", "--date-from=-40d")
    assert monthly["data"][-1] == 2


@pytest.fixture(scope="module")
def generated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that openapi-python-client writes for this server, without a warning."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yaml").write_text("post_hooks: []\n")
    written = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate",
            "--url", f"{server.url}/api/schema/",
            "--output-path", "recount_client", "--meta", "none", "--config", "config.yaml",
            "--fail-on-warning",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert written.returncode == 0, written.stdout + written.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("recount_client")
    finally:
        sys.path.remove(str(folder))


def test_a_generated_client_lists_creates_patches_and_reads_activity(
    server: Server, generated: ModuleType
) -> None:
    insights = {
        name: importlib.import_module(f"recount_client.api.insights.{name}")
        for name in ("create_insight", "patch_insight", "list_insights", "insight_activity")
    }
    models = importlib.import_module("recount_client.models")
    with generated.AuthenticatedClient(base_url=server.url, token=server.key) as client:
        _drive(insights, models, client)


def _drive(insights: dict[str, ModuleType], models: ModuleType, client: Any) -> None:
    made = insights["create_insight"].sync(
        "@current", client=client, body=models.WriteInsight(name="Sign-ups", tags=["generated"])
    )
    assert isinstance(made, models.InsightBody)
    assert (made.name, made.tags, made.created_by.id) == ("Sign-ups", ["generated"], 1)

    changed = insights["patch_insight"].sync(
        "@current", made.short_id, client=client, body=models.WriteInsight(name="Sign-ups, weekly")
    )
    assert isinstance(changed, models.InsightBody)
    assert (changed.id, changed.name) == (made.id, "Sign-ups, weekly")
    assert changed.last_modified_at > made.last_modified_at

    page = insights["list_insights"].sync("@current", client=client, tags='["generated"]')
    assert isinstance(page, models.InsightPage)
    assert (page.count, page.next_) == (1, None)
    (listed,) = page.results
    assert (listed.id, listed.name) == (made.id, "Sign-ups, weekly")

    activity = insights["insight_activity"].sync("@current", str(made.id), client=client)
    assert isinstance(activity, models.ActivityPage)
    assert [entry.activity for entry in activity.results] == ["updated", "created"]
    (change,) = activity.results[0].detail.changes
    assert (change.field, change.before, change.after) == ("name", "Sign-ups", "Sign-ups, weekly")

    refused = insights["patch_insight"].sync(
        "@current", str(made.id), client=client, body=models.WriteInsight(name="x" * 401)
    )
    assert isinstance(refused, models.Problem)
    assert (refused.code, refused.attr) == ("max_length", "name")
