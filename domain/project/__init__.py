"""The settings of one project."""
