"""Looking at insights."""
