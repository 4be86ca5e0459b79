"""Facts: what happened, in the past tense, under a stored name that never changes."""
