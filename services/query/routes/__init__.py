"""Reads over HTTP: rows become bodies, queries become results."""
