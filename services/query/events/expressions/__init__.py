"""Expressions of the closed subset: read, and written as SQL."""
