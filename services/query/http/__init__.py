"""Reads requests, and makes answers."""
