"""Packages of npm, installed for one test."""

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path, package: str, *, seconds: float = 60) -> str:
    """The program node, with this package below `folder`; skips where there is neither.

    seconds: for fetching it.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not there")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", package]
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{package} can't be fetched here")
    if ended.returncode != 0:
        pytest.skip(f"{package} can't be fetched here")
    return node
