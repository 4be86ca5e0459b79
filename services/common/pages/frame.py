"""What every page has: its look, its frame, and the headers that let a browser show no more."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.common.accounts.accounts import Project

_HERE = "services.common.pages"
GROUND = files(_HERE).joinpath("ground.css").read_text()
"""The look of all pages, those that are shared included."""
LOOK = GROUND + files(_HERE).joinpath("style.css").read_text()
"""The look of a project's pages."""
FRAME = PackageLoader(_HERE, ".")


def environment(loader: BaseLoader, style: str) -> Environment:
    """Templates with their one style."""
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    # Our own file, and the policy names its digest: it must arrive as it is.
    made.globals["style"] = Markup(style)  # noqa: S704 - our own file
    return made


def source_hash(text: str) -> str:
    """What a policy calls a style or a script that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page_headers(more: str = "") -> dict[str, str]:
    """Of a project's pages. more: of the policy."""
    policy = (
        f"default-src 'none'; style-src {source_hash(LOOK)}; img-src data:; form-action 'self';"
        f" base-uri 'none'; frame-ancestors 'none'{more}"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }


HEADERS = page_headers()


class Pages:
    """The templates of a package, in the frame of a project's pages."""

    def __init__(self, package: str, *others: BaseLoader, **words: Any) -> None:
        """words: globals of the templates."""
        loader = ChoiceLoader([PackageLoader(package, "."), *others, FRAME])
        self._templates = environment(loader, LOOK)
        self._templates.globals.update(words)

    def rendered(
        self, template: str, *, project: Project | None, here: str = "", **values: Any
    ) -> str:
        """here: which of the pages in the navigation it is."""
        return self._templates.get_template(template).render(project=project, here=here, **values)
