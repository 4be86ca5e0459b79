"""Actions: made and edited."""
