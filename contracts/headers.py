"""Names of the headers a client may rely on."""

ETAG = "ETag"
IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"
IDEMPOTENCY_KEY = "Idempotency-Key"
INSIGHTS_POSITION = "Insights-Position"
INSIGHTS_AS_OF = "Insights-As-Of"
INSIGHTS_AS_OF_SETTLED = "Insights-As-Of-Settled"
INSIGHTS_OPERATION = "Insights-Operation"
INSIGHTS_SKIPPED = "Insights-Skipped"
INSIGHTS_STALE = "Insights-Stale"
INGEST_POSITION = "Ingest-Position"
FACTS_THROUGH = "Facts-Through"
FACTS_HEAD = "Facts-Head"
LAST_EVENT_ID = "Last-Event-ID"

LONGEST_KEY = 255
"""Characters of an Idempotency-Key."""
