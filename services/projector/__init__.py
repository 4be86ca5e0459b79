"""Folds the log into read models, and captured events into ClickHouse."""
