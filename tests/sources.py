"""The source files of the product, for tests that read them."""

from pathlib import Path

ROOT = Path(__file__).parent.parent

SOURCES = [
    source
    for room in ("contracts", "domain", "services")
    for source in sorted((ROOT / room).rglob("*.py"))
]
