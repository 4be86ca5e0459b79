"""The people behind a number: a page of them, and their records."""
