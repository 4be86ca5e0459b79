"""The pages of the public side. They load nothing, from here or elsewhere: text, one style, SVG."""

import base64
import hashlib
from datetime import datetime
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from contracts.json import is_null
from contracts.read_models.insight import InsightRow
from contracts.read_models.sharing import SharingRow
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

_STYLE = files("services.query.shared").joinpath("style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_pages = Environment(
    loader=PackageLoader("services.query.shared", "."),
    autoescape=True,
    undefined=StrictUndefined,
)
# Our own file, and the policy names its digest: it must arrive as it is.
_pages.globals["style"] = Markup(_STYLE)  # noqa: S704
_pages.globals["count"] = count
_pages.globals["duration"] = duration
_pages.globals["percent"] = percent


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
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
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
        kind=_kind(chart),
        computed=None if computed is None else computed.astimezone(ZoneInfo(timezone)),
        timezone=timezone,
    )


def unlock_page(look: PageLook, wrong: str | None) -> str:
    """wrong: what was wrong with the last try."""
    return _pages.get_template("unlock.html").render(theme=look.theme, wrong=wrong)


def missing_page() -> str:
    """The same for every share that is not there, whatever the reason."""
    return _pages.get_template("missing.html").render()


def _kind(chart: Chart | None) -> str | None:
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
