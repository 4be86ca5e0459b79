"""What Prometheus, Grafana and docs/watching.md name is what the services have, and all of it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import watching_page
from tests.sources import ROOT
from tests.watching_page import PAGE, ProductMetric

DASHBOARD = ROOT / "deploy/grafana/recount.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
SCRAPES = ROOT / "deploy/prometheus/prometheus.yaml"

# What others export: Prometheus itself, the client library of ours, node_exporter and its folder
# of text files.
OTHERS = {
    "up",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "recount_backup_finished_seconds",
}
# Of PromQL: what is no metric.
WORDS = {
    *("sum", "max", "min", "count", "by", "rate", "increase", "histogram_quantile", "absent"),
    *("time", "or", "and"),
}
ROWS = ["Promises", "Log", "Bus", "Ingest", "Queries", "Servers"]


@pytest.fixture(scope="module")
def product() -> list[ProductMetric]:
    return watching_page.product()


def expressions(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(expression := document.get("expr"), str):
            yield expression
        for each in document.values():
            yield from expressions(each)
    elif isinstance(document, list):
        for each in document:
            yield from expressions(each)


def metrics_in(expression: str) -> set[str]:
    """Every name that is neither a label, a text, a number nor a word of PromQL."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)", " ", expression)
    return set(re.findall(r"\b[A-Za-z_]\w*", bare)) - WORDS


def named_in(document: Any) -> set[str]:
    return {name for each in expressions(document) for name in metrics_in(each)}


def test_the_dashboard_names_metrics_that_there_are(product: list[ProductMetric]) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert [each["title"] for each in dashboard["panels"] if each["type"] == "row"] == ROWS
    there = {name for each in product for name in each.series}
    named = named_in(dashboard)
    assert named - there - OTHERS == set()
    assert len(named & there) > 30
    panels = [each for each in dashboard["panels"] if each["type"] != "row"]
    assert all(each["description"].endswith(".") and each["targets"] for each in panels)
    ids = [each["id"] for each in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_alerts_name_metrics_that_there_are_and_the_page_says_what_to_do(
    product: list[ProductMetric],
) -> None:
    read = YAML(typ="safe").load(ALERTS)
    there = {name for each in product for name in each.series}
    assert named_in(read) - there - OTHERS == set()
    rules = [rule for group in read["groups"] for rule in group["rules"]]
    assert all(rule["annotations"]["summary"] for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"page", "ticket"}
    page = PAGE.read_text()
    told = re.findall(r"^\*\*(Recount\w+)\.\*\*", page, flags=re.MULTILINE)
    assert told == [rule["alert"] for rule in rules]


def test_what_is_scraped_is_what_the_alerts_and_the_dashboard_ask_for() -> None:
    scraped = YAML(typ="safe").load(SCRAPES)
    jobs = {each["job_name"] for each in scraped["scrape_configs"]}
    assert scraped["rule_files"] == [ALERTS.name]
    assert jobs == {"recount-command", "recount-query", "recount-projector", "node", "nats"}


def test_each_metric_says_what_it_is_and_names_end_in_their_unit(
    product: list[ProductMetric],
) -> None:
    for metric in product:
        assert metric.sentence.endswith("."), metric
        assert metric.kind != "unknown", metric
        if metric.kind == "summary" or (
            metric.kind == "histogram" and metric.name != "recount_log_batch_appends"
        ):
            assert metric.name.endswith("_seconds"), metric
        # Of what there are few: routes as they are written, never a path, a project or a person.
        assert not set(metric.labels) & {
            *("path", "url", "project", "team", "team_id", "organization", "user", "person", "key"),
            *("token", "id", "name", "address"),
        }, metric


def test_the_page_lists_every_metric_and_every_event() -> None:
    page = PAGE.read_text()
    assert page == watching_page.written(page), "python -m tests.watching_page writes it anew"
