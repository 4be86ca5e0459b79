"""Packages of PyPI that the tests' own environment does not hold, installed for one test."""

import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 150


def program(folder: Path, package: str, name: str) -> str:
    """The path of the program that this package brings; skips where it can't be fetched."""
    environment = folder / "environment"
    commands = (
        [sys.executable, "-m", "venv", str(environment)],
        [
            str(environment / "bin" / "pip"), "install", "--quiet",
            "--disable-pip-version-check", package,
        ],
    )  # fmt: skip
    for command in commands:
        try:
            ended = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{package} can't be fetched here")
        if ended.returncode != 0:
            pytest.skip(f"{package} can't be fetched here")
    return str(environment / "bin" / name)
