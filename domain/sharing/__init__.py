"""Sharing one insight with people who have no account."""
