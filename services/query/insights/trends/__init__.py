"""Trends: how often something happens, period by period."""
