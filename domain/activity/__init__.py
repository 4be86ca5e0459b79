"""The activity log's rules: what it remembers of a thing, and what it tells of each fact."""
