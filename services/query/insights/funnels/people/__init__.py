"""The people behind a number of a funnel."""
