"""Streams and subjects on the bus."""

FACTS_STREAM = "INSIGHTS"
FACTS_SUBJECTS = "insights.>"
# The entry's hash in its project's chain, in hex: what a fact's message carries beside its id.
HASH_HEADER = "Recount-Hash"
CAPTURE_STREAM = "CAPTURE"
CAPTURE_SUBJECTS = "capture.>"


def fact_subject(team_id: int, stored_name: str) -> str:
    """Where a fact of this project is published: `insights.1.insight.renamed.v1`."""
    return f"insights.{team_id}.{stored_name}"


def capture_subject(team_id: int) -> str:
    """Where captured product events of this project wait for ClickHouse."""
    return f"capture.{team_id}"
