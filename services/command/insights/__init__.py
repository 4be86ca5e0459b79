"""Insights: made and edited."""
