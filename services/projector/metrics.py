"""Metrics of the projections, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

position = Gauge(
    "recount_projection_position", "Last position applied to the rows.", ["projection"]
)
lag = Gauge(
    "recount_projection_lag_events", "Facts in the log that are not applied yet.", ["projection"]
)
behind_seconds = Gauge(
    "recount_projection_behind_seconds",
    "How long the first fact that is not applied has waited; 0: all are.",
    ["projection"],
)
parked = Gauge(
    "recount_projection_parked_streams", "Streams that can't be followed.", ["projection"]
)
applied = Counter("recount_projection_facts", "Facts applied to the rows.", ["projection"])
delay_seconds = Histogram(
    "recount_projection_delay_seconds",
    "From a fact's commit to its rows' commit; the newest fact of each batch.",
    ["projection"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
