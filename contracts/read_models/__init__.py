"""Rows of the read models: written by the projector, read by the query service."""
