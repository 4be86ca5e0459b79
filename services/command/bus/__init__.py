"""The public stream held against the log: looked at, swept, and made anew where they differ."""
