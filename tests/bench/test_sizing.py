"""docs/sizing.md is what comes of docs/figures.md, and of nothing else."""

import re

import msgspec
import pytest

from tests.bench.sizing import FIGURES, PAGE, Missing, Needed, figures, main, page

TEXT = FIGURES.read_text()


def test_the_page_is_made_of_the_figures() -> None:
    assert page(figures(TEXT), Needed()) == PAGE.read_text()


def test_another_figure_makes_another_page() -> None:
    slower = re.sub(r"[\d,]+ to queryable", "2,000 to queryable", TEXT)
    made = page(figures(slower), Needed())
    assert "/ 2,000 x 2 | 35 processes" in made
    assert made != PAGE.read_text()


def test_a_figure_that_is_gone_is_missed_by_name() -> None:
    with pytest.raises(Missing, match="to queryable"):
        figures(TEXT.replace("to queryable", "some day"))


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Needed)])
def test_each_of_the_four_numbers_counts(field: str) -> None:
    measured, wanted = figures(TEXT), Needed()
    more = msgspec.structs.replace(wanted, **{field: getattr(wanted, field) * 4})
    before, after = page(measured, wanted), page(measured, more)
    assert sizes(before) != sizes(after)


def sizes(made: str) -> list[str]:
    """The last column."""
    return [line.split("|")[-2] for line in made.splitlines() if line.startswith("| ")]


def test_other_numbers_are_printed_and_leave_the_page_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = PAGE.read_text()
    main(["--events-per-day", "1e6", "--projects", "10"])
    assert "1,000,000 events a day" in capsys.readouterr().out
    assert PAGE.read_text() == kept
