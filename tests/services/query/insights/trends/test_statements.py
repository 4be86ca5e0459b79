"""The statements of trends, one for each form, as the engine gets them.

They stand in the files of `golden`; after a change, `pytest --update` writes them anew, and the
diff shows what moved.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.queries.insight_actors import InsightActorsQuery
from contracts.queries.trends import TrendsQuery
from services.common.clickhouse.relation import statement
from services.common.clickhouse.statement import Bindings, Statement
from services.query.insights.trends.plan import NULL, TrendsPlan
from services.query.insights.trends.pointing import pointed
from services.query.insights.trends.result import RowValue
from services.query.insights.trends.statement.alike import side_by_side
from services.query.insights.trends.statement.counted import Asked
from services.query.insights.trends.statement.keys import Rows
from services.query.insights.trends.statement.late import late_events
from services.query.insights.trends.statement.numbers import bounds_of_bins, numbers
from services.query.insights.trends.statement.people import compile_people, events_behind
from tests.trends.stories import VIEWED, february, moment, trends

FOLDER = Path(__file__).parent / "golden"
BROWSER = {"breakdown": "$browser", "breakdown_limit": 2}
PRICES = {"breakdowns": [{"property": "price", "histogram_bin_count": 2}]}
ONE_VALUE = {"display": "BoldNumber"}
RUNNING = {"display": "ActionsLineGraphCumulative"}
EVERY_ROW = Rows()
PAID = [{"key": "plan", "value": "paid"}]
SUM = {"math": "sum", "math_property": "price"}
OF_SESSION = {"math_property": "$pageview_count", "math_property_type": "session_properties"}


def plan(math: str = "total", by: Any = None, show: Any = None, **of: Any) -> TrendsPlan:
    query = {name: of.pop(name) for name in ("interval", "samplingFactor") if name in of}
    breakdown = {} if by is None else {"breakdownFilter": by}
    shown = {} if show is None else {"trendsFilter": show}
    # Of hours more than a number has bits.
    dates: dict[str, Any] = {"dateRange": february(1, 11 if "interval" in query else 3)}
    return trends({**VIEWED, "math": math, **of}, **dates, **query, **breakdown, **shown)


def asked(of: TrendsPlan, *, has_overrides: bool = False, rows: Rows = EVERY_ROW) -> Asked:
    return Asked(plan=of, series=of.series[0], span=of.span, has_overrides=has_overrides, rows=rows)


def told(
    of: TrendsPlan,
    *,
    has_overrides: bool = False,
    rows: Rows = EVERY_ROW,
    since: datetime | None = None,
) -> Statement:
    bindings = Bindings()
    whole = asked(of, has_overrides=has_overrides, rows=rows)
    return statement(numbers(msgspec.structs.replace(whole, since=since), bindings), bindings)


def together(*series: dict[str, Any]) -> Statement:
    dates: dict[str, Any] = {"dateRange": february(1, 3)}
    of, bindings = trends(*({**VIEWED, **one} for one in series), **dates), Bindings()
    return statement(side_by_side(asked(of), of.series, bindings), bindings)


def bins(of: TrendsPlan) -> Statement:
    bindings = Bindings()
    return statement(bounds_of_bins(asked(of), [0], bindings), bindings)


def late(of: TrendsPlan, *kept: RowValue) -> Statement:
    bindings = Bindings()
    return statement(late_events(asked(of), kept or (None,), bindings), bindings)


def events(of: TrendsPlan) -> Statement:
    point = pointed(of, InsightActorsQuery(source=TrendsQuery(), day="2024-02-02"))
    bindings = Bindings()
    return statement(events_behind(asked(of), point, bindings), bindings)


def behind(of: TrendsPlan, **number: Any) -> Statement:
    point = pointed(of, InsightActorsQuery(source=TrendsQuery(), day="2024-02-02", **number))
    return compile_people(asked(of), point, limit=100, offset=0)


FORMS: dict[str, Callable[[], Statement]] = {
    "total": lambda: told(plan()),
    "total_as_one_value": lambda: told(plan(show=ONE_VALUE)),
    "total_as_two_values": lambda: told(plan(show=ONE_VALUE), since=moment("02-02")),
    "total_by_value": lambda: told(plan(by=BROWSER)),
    "total_by_cohort": lambda: told(plan(by={"breakdown": ["all"], "breakdown_type": "cohort"})),
    "total_by_bin": lambda: told(plan(by=PRICES), rows=Rows(bounds={0: [0.0, 5.0, 10.01]})),
    "bounds_of_bins": lambda: bins(plan(by=PRICES)),
    "total_of_a_sample": lambda: told(plan(samplingFactor=0.5)),
    "actors": lambda: told(plan("dau")),
    "actors_with_merges": lambda: told(plan("dau"), has_overrides=True),
    "actors_of_many_periods": lambda: told(plan("dau", interval="hour")),
    "actors_as_one_value": lambda: told(plan("dau", show=ONE_VALUE)),
    "actors_by_value": lambda: told(plan("dau", by=BROWSER)),
    "actors_of_other": lambda: told(
        plan("dau", by=BROWSER), rows=Rows(without=[("Chrome",), (NULL,)])
    ),
    "actors_running": lambda: told(plan("dau", show=RUNNING)),
    "groups": lambda: told(plan("unique_group", math_group_type_index=1)),
    "weekly_active": lambda: told(plan("weekly_active")),
    "weekly_active_by_value": lambda: told(plan("weekly_active", by=BROWSER)),
    "sessions": lambda: told(plan("unique_session")),
    "first_time": lambda: told(plan("first_time_for_user")),
    "first_time_with_filters": lambda: told(plan("first_time_for_user", properties=PAID)),
    "first_time_by_value": lambda: told(plan("first_time_for_user", by=BROWSER, properties=PAID)),
    "first_matching": lambda: told(plan("first_matching_event_for_user", properties=PAID)),
    "sum": lambda: told(plan("sum", math_property="price")),
    "p90_of_sessions": lambda: told(plan("p90", **OF_SESSION)),
    "box_plot": lambda: told(plan("avg", math_property="price", show={"display": "BoxPlot"})),
    "series_of_one_event": lambda: together({}, SUM, {**SUM, "math": "p90"}),
    "series_with_filters": lambda: together({"properties": PAID}, {}, {**SUM, "properties": PAID}),
    "counts_of_actors": lambda: told(plan("avg_count_per_actor")),
    "expression": lambda: told(plan("hogql", math_hogql="sum(properties.price) / count()")),
    "late_events": lambda: late(plan(by=BROWSER), ("Chrome",)),
    "late_events_of_windows": lambda: late(plan("weekly_active")),
    "late_events_running": lambda: late(plan("dau", show=RUNNING)),
    "events": lambda: events(plan("dau")),
    "events_newly_counted": lambda: events(plan("dau", show=RUNNING)),
    "people": lambda: behind(plan("dau")),
    "people_of_a_window": lambda: behind(plan("weekly_active")),
    "people_of_a_value": lambda: behind(plan(by=BROWSER), breakdown="Chrome"),
    "people_newly_counted": lambda: behind(plan("dau", show=RUNNING)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_is_the_one_in_its_file(form: str, update: bool) -> None:
    compiled = FORMS[form]()
    values = [f"-- {name} = {value}" for name, value in compiled.parameters.items()]
    text = "\n".join([*values, compiled.text, ""])
    file = FOLDER / f"{form}.sql"
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_every_file_is_a_form() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(FORMS)
