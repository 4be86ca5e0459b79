"""The filter and the order of a list of insights, as values; no HTTP and no SQL."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta

OrderField = Literal[
    "name", "created_at", "created_by", "last_modified_at", "updated_at", "short_id", "id",
    "order", "saved", "favorited", "deleted",
]  # fmt: skip
ORDER_FIELDS: frozenset[str] = frozenset(get_args(OrderField))


class Order(msgspec.Struct, frozen=True):
    """By one field; among equals the newest insight comes first, in either direction.

    Where there is no value: last when ascending, first when descending, as PostgreSQL has it.
    """

    field: OrderField
    descending: bool = False


DEFAULT_ORDER = Order("order")


class InsightFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions on the insights of a list; None: any insight meets it.

    created_by: one of these users; mine: by the caller. after, before: of last_modified_at, neither
    included; created_after, created_before: the same of created_at. kind: one of `listed_names`.
    search: case-folded, not blank. dashboards: on all of them; tags: at least one of them.
    nothing: a condition was sent that no insight can meet. order: None: the default, or by
    closeness when something is searched.
    """

    short_id: str | None = None
    created_by: tuple[int, ...] | None = None
    mine: bool = False
    saved: bool | None = None
    favorited: bool = False
    after: datetime | None = None
    before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    kind: str | None = None
    search: str | None = None
    dashboards: tuple[int, ...] | None = None
    tags: tuple[str, ...] | None = None
    nothing: bool = False
    order: Order | None = None

    @property
    def hangs_on_now(self) -> bool:
        """Whether it may mean something else later: dates can be sent as days from now."""
        dates = (self.after, self.before, self.created_after, self.created_before)
        return any(date is not None for date in dates)


Value = datetime | str | int | bool | None


class Cursor(msgspec.Struct, frozen=True):
    """Where a page ended: its last insight's value in the order, and its number."""

    order: Order
    value: Value
    insight_id: int


End = TypeVar("End")
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[datetime, Meta(tz=True)]

LARGEST = 2**63 - 1


class NumberEnd(msgspec.Struct, frozen=True, array_like=True):
    """Of a list that is ordered by nothing but a number, the highest first."""

    number: Int64


class PageRequest(msgspec.Struct, Generic[End], frozen=True):
    """after: the end of the page before, where it is known; offset then counts nothing.

    An end is what its last row is ordered by. So a page begins where the one before ended, whatever
    is written meanwhile: what came in front of it moves nothing onto the next page or off it.
    """

    limit: int
    offset: int
    after: End | None = None

    @property
    def skipped(self) -> int:
        """The number of rows to leave out."""
        return self.offset if self.after is None else 0

    @property
    def before(self: "PageRequest[NumberEnd]") -> int:
        """The number that all numbers on the page are lower than."""
        return LARGEST if self.after is None else self.after.number

    @property
    def looked_for(self) -> int:
        """One more than are shown: whether there is a next page is seen, not counted."""
        return self.limit + 1
