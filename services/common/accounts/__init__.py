"""Organizations, users, projects and keys: plain tables, older than any fact."""
