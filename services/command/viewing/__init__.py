"""Who looked at which insight."""
