"""`recount import`: files of product events through a capture door, safe to repeat."""
