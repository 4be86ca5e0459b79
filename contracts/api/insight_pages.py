"""A page of insights on the wire."""

from msgspec import Raw, Struct


class InsightPage(Struct, frozen=True, kw_only=True):
    """results: InsightBody or BasicInsight, already encoded. next, previous: absolute URLs.

    After a search each result carries `search_match_type` besides, `exact` or `similar`.
    """

    count: int
    next: str | None
    previous: str | None
    results: tuple[Raw, ...]
