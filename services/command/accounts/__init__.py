"""Writes to accounts: each is said in its organization's chain, and done in the tables."""
