"""The kinds of insight that are computed, a folder each, and what they share."""
