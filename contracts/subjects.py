"""Streams and subjects on the bus."""

FACTS_STREAM = "INSIGHTS"
FACTS_SUBJECTS = "insights.>"
# The entry's hash in its project's chain, in hex: what a fact's message carries beside its id.
HASH_HEADER = "Recount-Hash"


def fact_subject(team_id: int, stored_name: str) -> str:
    """Where a fact of this project is published: `insights.1.insight.renamed.v1`."""
    return f"insights.{team_id}.{stored_name}"


def capture_stream(bucket: int = 0) -> str:
    """Where captured product events of the bucket's projects wait for ClickHouse. The first has the
    name from before there were more.
    """
    return "CAPTURE" if bucket == 0 else f"CAPTURE_{bucket:02}"


def capture_subjects(bucket: int = 0) -> str:
    """All subjects of the bucket's stream; those of two streams don't overlap."""
    return f"{_capture(bucket)}.>"


def capture_subject(team_id: int, bucket: int = 0) -> str:
    """Of the product events of this project, which lies in the bucket."""
    return f"{_capture(bucket)}.{team_id}"


def _capture(bucket: int) -> str:
    return "capture" if bucket == 0 else f"capture_{bucket:02}"
