"""An insight is found by its kind, whichever way it is described."""

import pytest
from msgspec import Raw

from domain.insight.view import view
from services.projector.read_models.listed_kind import listed_kind
from tests.examples import FUNNEL, insight_history


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, None),
        ({"filters": Raw(b'{"events":[]}')}, "TRENDS"),
        ({"filters": Raw(b'{"insight":"FUNNELS"}')}, "FUNNELS"),
        ({"filters": Raw(b'{"insight":7}')}, "OTHER"),
        ({"query": FUNNEL}, "FUNNELS"),
        ({"query": FUNNEL, "filters": Raw(b'{"insight":"PATHS"}')}, "FUNNELS"),
        ({"query": Raw(b'{"kind":"TrendsQuery"}')}, "TRENDS"),
        ({"query": Raw(b'{"kind":"DataTableNode","source":{"kind":"HogQLQuery"}}')}, "SQL"),
        ({"query": Raw(b'{"kind":"DataTableNode","source":{"kind":"EventsQuery"}}')}, "OTHER"),
        ({"query": Raw(b'{"kind":7}')}, "OTHER"),
    ],
)
def test_kind(fields: dict[str, Raw], kind: str | None) -> None:
    row = view(insight_history(**fields))
    assert row is not None
    assert listed_kind(row) == kind
