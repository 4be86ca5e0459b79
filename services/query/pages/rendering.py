"""The pages as text, and the headers that let a browser show them and nothing else."""

from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup

from services.common.accounts.accounts import Project
from services.query.shared.pages import STYLE, TEMPLATES, environment, source_hash

_STYLE = STYLE + files("services.query.pages").joinpath("style.css").read_text()
_SCRIPT = files("services.query.pages").joinpath("live.js").read_text()
_pages = environment(ChoiceLoader([PackageLoader("services.query.pages", "."), TEMPLATES]), _STYLE)

# As the style: our own file, which the policy names.
_pages.globals["script"] = Markup(_SCRIPT)  # noqa: S704 - our own file


def _headers(more: str = "") -> dict[str, str]:
    policy = (
        f"default-src 'none'; style-src {source_hash(_STYLE)}; img-src data:; form-action 'self';"
        f" base-uri 'none'; frame-ancestors 'none'{more}"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }


HEADERS = _headers()
LIVE_HEADERS = _headers(f"; script-src {source_hash(_SCRIPT)}; connect-src 'self'")
"""Of the page with the one script, which may ask this server alone."""


def rendered(template: str, *, project: Project | None, here: str = "", **values: Any) -> str:
    """here: which of the pages in the navigation it is."""
    return _pages.get_template(template).render(project=project, here=here, **values)
