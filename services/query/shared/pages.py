"""The pages of the public side. They load nothing, from here or elsewhere: text, one style, SVG."""

import base64
import hashlib
from datetime import datetime
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
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

STYLE = files("services.query.shared").joinpath("style.css").read_text()


def environment(loader: BaseLoader, style: str) -> Environment:
    """Templates with the words of charts, and their one style."""
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    # Our own file, and the policy names its digest: it must arrive as it is.
    made.globals["style"] = Markup(style)  # noqa: S704 - our own file
    made.globals["count"] = count
    made.globals["duration"] = duration
    made.globals["percent"] = percent
    return made


def source_hash(text: str) -> str:
    """What a policy calls a style or a script that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


TEMPLATES = PackageLoader("services.query.shared", ".")
_STYLE_SOURCE = source_hash(STYLE)
_pages = environment(TEMPLATES, STYLE)


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
