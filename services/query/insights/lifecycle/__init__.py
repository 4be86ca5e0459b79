"""Lifecycle: who is new, comes back, returns after a pause, or falls silent."""
