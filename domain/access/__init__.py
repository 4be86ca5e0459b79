"""Access rules: the levels that users, roles and the organization have on an insight."""
