"""What points at no number of a funnel is refused by its member."""

from typing import Any

from tests.services.query.people.shop import SIGN_UP, TRENDS
from tests.whole import Whole

NO_DROP_OFF = (
    "The first valid drop-off argument for funnelStep is -2. -2 refers to persons who performed "
    "the first step but never made it to the second."
)
TIMES = {"funnel_viz_type": "time_to_convert"}
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "funnel_step", "required", "This field is required."),
    ({"funnel_step": 0}, "funnel_step", "invalid_input", NO_DROP_OFF),
    ({"funnel_step": -1}, "funnel_step", "invalid_input", NO_DROP_OFF),
    ({"funnel_step": 3}, "funnel_step", "invalid_input", "This funnel has the steps 1 to 2."),
    ({"funnel_step": -3}, "funnel_step", "invalid_input", "This funnel has the steps 1 to 2."),
    ({"funnel_step": "two"}, "funnel_step", "invalid_input", "A valid integer is required."),
    (
        {"funnel_custom_steps": [1, 3]},
        "funnel_custom_steps",
        "invalid_input",
        "This funnel has the steps 1 to 2.",
    ),
    (
        {"funnel_custom_steps": ["two"]},
        "funnel_custom_steps",
        "invalid_input",
        "funnel_custom_steps is a list of numbers.",
    ),
    (
        {"funnel_step": 1, "funnel_step_breakdown": "x"},
        "funnel_step_breakdown",
        "invalid_input",
        "This funnel has no breakdown.",
    ),
    (
        {"funnel_step": 1, "breakdown": ["a", "b"], "funnel_step_breakdown": "x"},
        "funnel_step_breakdown",
        "invalid_input",
        "A row of this funnel has 2 values.",
    ),
    (
        {"funnel_step": 1, "breakdown": ["all"], "breakdown_type": "cohort",
         "funnel_step_breakdown": 7},
        "funnel_step_breakdown",
        "invalid_input",
        "This funnel has no such cohort.",
    ),
    ({**TRENDS, "drop_off": True}, "entrance_period_start", "required", "This field is required."),
    (
        {**TRENDS, "entrance_period_start": "2024-01-10"},
        "drop_off",
        "required",
        "This field is required.",
    ),
    (
        {**TRENDS, "entrance_period_start": "2023-01-10", "drop_off": False},
        "entrance_period_start",
        "invalid_input",
        "No period of this funnel starts then.",
    ),
    (
        {**TIMES, "funnel_conversion_time_from": 1},
        "funnel_conversion_time_to",
        "required",
        "This field is required.",
    ),
    ({"funnel_step": 1, "date_from": "x"}, "date_from", "invalid_input", ""),
]  # fmt: skip


async def test_what_points_at_no_number_is_refused(whole: Whole) -> None:
    for filters, attr, code, detail in REFUSED:
        answer = await whole.client.post(
            f"{whole.root}persons/funnel/", json={**SIGN_UP, **filters}
        )
        body = answer.json()
        assert answer.status_code == 400, (filters, body)
        assert (body["type"], body["attr"], body["code"]) == ("validation_error", attr, code)
        assert body["detail"].startswith(detail), body
    none = await whole.client.post(
        f"{whole.root}persons/funnel/", json={"events": [], "funnel_step": 1}
    )
    assert none.json()["detail"] == "Funnels require at least two steps."
