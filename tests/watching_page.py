"""The lists of docs/watching.md: every metric and every event that there is.

`python -m tests.watching_page` writes them anew; with `--check` it says whether that is needed.
"""

import re
import sys
from collections.abc import Iterator

import msgspec
from prometheus_client import REGISTRY
from prometheus_client.core import Metric

from services.common.log_events import MEANINGS
from services.embedded import composition
from tests.sources import ROOT

PAGE = ROOT / "docs/watching.md"
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
}


class ProductMetric(msgspec.Struct, frozen=True):
    """A family of the product's. labels: those that each of its series has."""

    name: str
    kind: str
    labels: tuple[str, ...]
    sentence: str

    @property
    def series(self) -> set[str]:
        return {self.name + end for end in SUFFIXES.get(self.kind, ("",))}

    @property
    def shown(self) -> str:
        """As /metrics has it."""
        return self.name + "_total" if self.kind == "counter" else self.name


def families() -> Iterator[Metric]:
    # Loads all services; each of their metrics is in the one registry, whether it has moved or not.
    assert composition.described()
    for family in REGISTRY.collect():
        if family.name.startswith("recount_"):
            yield family


def labels_of(name: str) -> tuple[str, ...]:
    # The registry knows them of metrics that have not moved, too.
    metric = REGISTRY._names_to_collectors[name]
    found = getattr(metric, "_labelnames", None)
    return ("pool",) if found is None else tuple(found)


def product() -> list[ProductMetric]:
    return [
        ProductMetric(each.name, each.type, labels_of(each.name), each.documentation)
        for each in sorted(families(), key=lambda each: each.name)
    ]


def written(page: str) -> str:
    """The page with both lists as they must be."""
    for heading, wanted in (("## Metrics", table(product())), ("## Events", events())):
        pattern = re.compile(rf"(?<=^{heading}\n\n)(.*?\n\n)?(?:\|[^\n]*\n)+", re.DOTALL | re.M)
        found = pattern.search(page)
        assert found is not None, heading
        page = page[: found.start()] + (found[1] or "") + wanted + page[found.end() :]
    return page


def table(product: list[ProductMetric]) -> str:
    rows = [
        f"| `{each.shown}` | {each.kind} | {', '.join(each.labels)} | {each.sentence} |\n"
        for each in product
    ]
    return "| metric | kind | by | what it tells |\n| --- | --- | --- | --- |\n" + "".join(rows)


def events() -> str:
    rows = [f"| `{name}` | {meaning} |\n" for name, meaning in sorted(MEANINGS.items())]
    return "| event | what it tells |\n| --- | --- |\n" + "".join(rows)


def main() -> None:
    page = PAGE.read_text()
    if (wanted := written(page)) == page:
        return
    if "--check" in sys.argv:
        sys.exit("docs/watching.md lists other metrics or events: python -m tests.watching_page")
    PAGE.write_text(wanted)


if __name__ == "__main__":
    main()
