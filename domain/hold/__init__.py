"""Legal holds: what may not be erased, and does not expire."""
