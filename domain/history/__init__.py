"""The history of what was done, as far as it is taken back: undone, operation by operation."""
