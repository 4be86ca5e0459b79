"""A page of insights on the wire."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from contracts.api.insights import InsightBody

ListedInsight = Annotated[
    Raw,
    Meta(
        extra={"rows": InsightBody},
        extra_json_schema={
            "anyOf": [
                {"$ref": "#/components/schemas/InsightBody"},
                {"$ref": "#/components/schemas/BasicInsight"},
            ]
        },
    ),
]


class InsightPage(Struct, frozen=True, kw_only=True):
    """results: InsightBody or BasicInsight, already encoded. next, previous: absolute URLs.

    After a search each result carries `search_match_type` besides, `exact` or `similar`.
    """

    count: int
    next: str | None
    previous: str | None
    results: tuple[ListedInsight, ...]
