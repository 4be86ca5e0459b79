"""Facts of what one user looks at in one project: a stream of its own, so that a view moves no insight's version."""

from contracts.events.fact import Fact


class InsightViewed(Fact, frozen=True, tag="viewing.insight_viewed.v1"):
    """Appended blind; the view's time is the entry's recorded_at."""

    insight_id: int
    user_id: int


ViewingEvent = InsightViewed
