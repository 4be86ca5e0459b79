"""A funnel's plan as one ClickHouse statement."""
