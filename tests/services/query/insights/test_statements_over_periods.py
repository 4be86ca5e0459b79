"""The statements of stickiness and lifecycles, one for each form, as the engine gets them.

They stand in the files of `golden`; after a change, `pytest --update` writes them anew, and the
diff shows what moved.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.common.clickhouse.statement import Statement
from services.query.insights.lifecycle import pointing as lifecycle_pointing
from services.query.insights.lifecycle import statement as lifecycles
from services.query.insights.stickiness import pointing as stickiness_pointing
from services.query.insights.stickiness import statement as stickinesses
from services.query.insights.stickiness.plan import StickinessPlan
from tests.trends.stories import february, lifecycle, stickiness

FOLDER = Path(__file__).parent / "golden"
RANGE: dict[str, Any] = {"dateRange": february(1, 3)}
OFTEN: dict[str, Any] = {
    "stickinessFilter": {"stickinessCriteria": {"operator": "gte", "value": 2}}
}
HOURS: dict[str, Any] = {"interval": "hour", "dateRange": february(1, 11)}
"""More than a number has bits."""
NEW = lifecycle_pointing.Pointed(1, "new")


def sticky(plan: StickinessPlan, *, has_overrides: bool = False) -> Statement | None:
    return stickinesses.compile_stickiness(plan, has_overrides=has_overrides)


def behind(plan: StickinessPlan) -> Statement | None:
    number = stickiness_pointing.Pointed(
        series=plan.series[0], side="current", intervals=2, operator="exact"
    )
    return stickinesses.compile_people(plan, number, has_overrides=False, limit=100, offset=0)


FORMS: dict[str, Callable[[], Statement | None]] = {
    "stickiness": lambda: sticky(stickiness(**RANGE)),
    "stickiness_with_merges": lambda: sticky(stickiness(**RANGE), has_overrides=True),
    "stickiness_with_criteria": lambda: sticky(stickiness(**RANGE, **OFTEN)),
    "stickiness_of_many_intervals": lambda: sticky(stickiness(**HOURS)),
    "stickiness_people": lambda: behind(stickiness(**RANGE)),
    "lifecycle": lambda: lifecycles.compile_lifecycle(lifecycle(**RANGE), has_overrides=False),
    "lifecycle_of_groups": lambda: lifecycles.compile_lifecycle(
        lifecycle(**RANGE, aggregation_group_type_index=0), has_overrides=False
    ),
    "lifecycle_of_many_periods": lambda: lifecycles.compile_lifecycle(
        lifecycle(**HOURS), has_overrides=False
    ),
    "lifecycle_people": lambda: lifecycles.compile_people(
        lifecycle(**RANGE), NEW, has_overrides=False, limit=100, offset=0
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_is_the_one_in_its_file(form: str, update: bool) -> None:
    compiled = FORMS[form]()
    assert compiled is not None
    values = [f"-- {name} = {value}" for name, value in compiled.parameters.items()]
    text = "\n".join([*values, compiled.text, ""])
    file = FOLDER / f"{form}.sql"
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_every_file_is_a_form() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(FORMS)
