"""Correlation: the events and properties that go along with converting or dropping out."""
