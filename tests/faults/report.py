"""docs/faults.md: its table has one line per fault, that of its last run."""

import re
from collections.abc import Sequence

import msgspec

from tests.embedded.recount_process import ROOT
from tests.faults.operations import PROMISES, Promise

PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- cells -->", "<!-- end of cells -->"


class Gap(msgspec.Struct, frozen=True):
    """The longest time in which nobody was served, and the most that it may be; in seconds."""

    seconds: float
    bound: float

    @property
    def holds(self) -> bool:
        return self.seconds <= self.bound

    def __str__(self) -> str:
        told = f"{self.seconds:.1f} ≤ {self.bound:.0f}"
        return told if self.holds else f"**{told.replace('≤', '>')}**"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One fault under all workloads.

    proof: that it took effect. when: date and load of the machine. complaints: of the checkers, or
    why there is no verdict.
    """

    fault: str
    proof: str
    when: str
    seed: int
    operations: int
    doubtful: int
    away: float
    complaints: Sequence[str]
    gaps: dict[Promise, Gap]

    @property
    def late(self) -> list[Promise]:
        """Promises that were broken for longer than they may be."""
        return [promise for promise, gap in self.gaps.items() if not gap.holds]

    def line(self) -> str:
        cells = [
            self.fault,
            self.proof,
            self.when,
            str(self.seed),
            f"{self.away:.1f}",
            str(self.operations),
            str(self.doubtful),
            str(len(self.complaints)) if not self.complaints else f"**{len(self.complaints)}**",
            *(str(self.gaps.get(promise, "–")) for promise in PROMISES),
        ]
        return f"| {' | '.join(cells)} |"


def write(cell: Cell) -> None:
    """In the place of the fault's last line, or at the end of the table."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    lines = [line for line in table.strip().splitlines() if _fault(line) != cell.fault]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join([*lines, cell.line()]) + "\n" + END + after)


def _fault(line: str) -> str:
    found = re.match(r"\| ([^|]+) \|", line)
    return found[1] if found else ""


def write_soak(text: str) -> None:
    """The paragraph of the last soak."""
    page = PAGE.read_text()
    before, _, rest = page.partition("<!-- soak -->")
    _, _, after = rest.partition("<!-- end of soak -->")
    PAGE.write_text(f"{before}<!-- soak -->\n{text}\n<!-- end of soak -->{after}")
