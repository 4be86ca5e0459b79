"""Captured events into ClickHouse, exactly once, and the persons and groups that follow them."""
