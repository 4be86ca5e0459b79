"""Paths: every project route has two, and the names in them are parsed here."""

from litestar import HttpMethod

from contracts.references import number_in
from services.common.http.problems import not_found

EDITS = (HttpMethod.PATCH, HttpMethod.PUT)
"""For what changes by the fields that are sent, whichever of the two brings them. PostHog's PUT of
such a thing leaves alone what it does not name; an insight's does not.
"""


def project_paths(path: str) -> list[str]:
    """Under /api/projects/ and its alias /api/environments/; the final slash is optional."""
    return [f"/api/{name}/{{project:str}}{path}" for name in ("projects", "environments")]


def number_in_path(text: str) -> int:
    """The number of a dashboard, an action …. Raises Rejected 404: nothing else names one."""
    found = number_in(text)
    if found is None:
        raise not_found()
    return found


def name_in_path(text: str) -> str:
    """A name that a client chose. Raises Rejected 404 for a NUL in it: nobody can choose that."""
    if "\0" in text:
        raise not_found()
    return text
