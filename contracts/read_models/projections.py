"""Names of the projections, which are the keys of their checkpoints, and the bell of progress."""

from typing import Literal

Projection = Literal[
    "insights", "sharing", "activity", "last_viewed", "catalog", "history", "proofs"
]

INSIGHTS: Projection = "insights"
SHARING: Projection = "sharing"
ACTIVITY: Projection = "activity"
LAST_VIEWED: Projection = "last_viewed"
CATALOG: Projection = "catalog"
HISTORY: Projection = "history"
PROOFS: Projection = "proofs"

PROJECTED_CHANNEL = "recount_projected"
"""PostgreSQL's channel on which a projection that moved rings; the payload is its name."""
