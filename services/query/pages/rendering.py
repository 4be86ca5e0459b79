"""The pages of this service as text."""

from importlib.resources import files

from markupsafe import Markup

from services.common.pages.frame import Pages, page_headers, source_hash
from services.query.shared.pages import TEMPLATES, WORDS

_SCRIPT = files("services.query.pages").joinpath("live.js").read_text()

# As the style: our own file, which the policy names.
_pages = Pages("services.query.pages", TEMPLATES, script=Markup(_SCRIPT), **WORDS)  # noqa: S704

LIVE_HEADERS = page_headers(f"; script-src {source_hash(_SCRIPT)}; connect-src 'self'")
"""Of the page with the one script, which may ask this server alone."""

rendered = _pages.rendered
