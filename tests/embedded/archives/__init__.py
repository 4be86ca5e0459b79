"""Archives of projects."""
