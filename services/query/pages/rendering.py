"""The pages as text, and the headers that let a browser show them and nothing else."""

from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from services.common.accounts.accounts import Project
from services.query.shared.pages import STYLE, TEMPLATES, environment, source_hash

_STYLE = STYLE + files("services.query.pages").joinpath("style.css").read_text()
_pages = environment(ChoiceLoader([PackageLoader("services.query.pages", "."), TEMPLATES]), _STYLE)

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_hash(_STYLE)}; img-src data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def rendered(template: str, *, project: Project | None, here: str = "", **values: Any) -> str:
    """here: which of the pages in the navigation it is."""
    return _pages.get_template(template).render(project=project, here=here, **values)
