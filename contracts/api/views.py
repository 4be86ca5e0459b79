"""Views on the wire: which insights are looked at most, and by whom."""

import msgspec

from contracts.api.insights import BasicInsight, UserBody
from contracts.api.times import Time


class TrendingViews(msgspec.Struct, frozen=True, kw_only=True):
    """The members that an insight has in the list of the most viewed.

    view_count: in the days asked for. viewers: who they were, as far as they still are there.
    """

    view_count: int
    viewers: tuple[UserBody, ...]


class TrendingInsight(BasicInsight, frozen=True, kw_only=True):
    """An insight in the basic shape, with its views. See TrendingViews."""

    view_count: int
    viewers: tuple[UserBody, ...]


class ViewerBody(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has looked at an insight. user: null for one who is gone."""

    user: UserBody | None
    view_count: int
    last_viewed_at: Time
