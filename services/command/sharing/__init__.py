"""Sharing an insight: its switch, its token, its passwords, and who opens it with one."""
