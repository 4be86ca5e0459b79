"""Facts of who looks at insights: in streams of their own, so that a view moves no version."""

from contracts.events.fact import Fact


class InsightViewed(Fact, frozen=True, tag="viewing.insight_viewed.v1"):
    """Appended blind; the view's time is the entry's recorded_at."""

    insight_id: int
    user_id: int


class ShareLoginSucceeded(Fact, frozen=True, tag="viewing.share_login_succeeded.v1"):
    """A visitor without an account gave one of the share's passwords."""

    insight_id: int
    password_id: int


class ShareLoginFailed(Fact, frozen=True, tag="viewing.share_login_failed.v1"):
    """A visitor without an account gave a wrong password."""

    insight_id: int


ViewingEvent = InsightViewed | ShareLoginSucceeded | ShareLoginFailed
