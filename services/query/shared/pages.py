"""The pages of the public side. They load nothing, from here or elsewhere: text, one style, SVG."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import PackageLoader

from contracts.json import is_null
from contracts.read_models.insight import InsightRow
from contracts.read_models.sharing import SharingRow
from services.common.pages.frame import GROUND, environment, source_hash
from services.query.insights.charts import (
    BinsChart,
    BoxesChart,
    Chart,
    CountsChart,
    SignalsTable,
    StepsChart,
    TotalsChart,
    TrendsChart,
    count,
    duration,
    percent,
)
from services.query.shared.nothing import why_nothing

TEMPLATES = PackageLoader("services.query.shared", ".")
WORDS: Mapping[str, Any] = {"count": count, "duration": duration, "percent": percent}
"""The words of charts."""
_STYLE_SOURCE = source_hash(GROUND)
_pages = environment(TEMPLATES, GROUND)
_pages.globals.update(WORDS)


class PageLook(msgspec.Struct, frozen=True, rename="camel"):
    """A share's settings, as far as the page knows them."""

    whitelabel: bool = False
    no_header: bool = False
    legend: bool = True
    detailed: bool = True
    hide_extra_details: bool = False
    theme: Literal["light", "dark", "system"] = "system"


def look_of(sharing: SharingRow) -> PageLook:
    if is_null(sharing.settings):
        return PageLook()
    return msgspec.json.decode(sharing.settings, type=PageLook)


def headers(*, embedded: bool) -> dict[str, str]:
    """Headers that let a browser show the page and send its own form back, and no more.

    embedded: other sites may frame it.
    """
    ancestors = "*" if embedded else "'none'"
    policy = (
        f"default-src 'none'; style-src {_STYLE_SOURCE}; form-action 'self';"
        f" base-uri 'none'; frame-ancestors {ancestors}"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        **({} if embedded else {"X-Frame-Options": "DENY"}),
    }


def insight_page(
    insight: InsightRow,
    look: PageLook,
    chart: Chart | None,
    computed: datetime | None,
    timezone: str,
) -> str:
    """computed: when the numbers are from; told in the project's zone."""
    return _pages.get_template("page.html").render(
        title=insight.name or insight.derived_name or "Insight",
        description=insight.description,
        theme=look.theme,
        header=not look.no_header,
        legend=look.legend,
        detailed=look.detailed,
        extra=not look.hide_extra_details,
        whitelabel=look.whitelabel,
        chart=chart,
        nothing=None if chart is not None else why_nothing(insight),
        kind=kind_of_chart(chart),
        computed=None if computed is None else computed.astimezone(ZoneInfo(timezone)),
        timezone=timezone,
    )


def unlock_page(look: PageLook, wrong: str | None) -> str:
    """wrong: what was wrong with the last try."""
    return _pages.get_template("unlock.html").render(theme=look.theme, wrong=wrong)


def missing_page() -> str:
    """The same for every share that is not there, whatever the reason."""
    return _pages.get_template("missing.html").render()


def kind_of_chart(chart: Chart | None) -> str | None:
    """What the template calls it."""
    match chart:
        case StepsChart():
            return "steps"
        case TrendsChart():
            return "trends"
        case CountsChart():
            return "counts"
        case TotalsChart():
            return "totals"
        case BoxesChart():
            return "boxes"
        case BinsChart():
            return "bins"
        case SignalsTable():
            return "signals"
        case None:
            return None
