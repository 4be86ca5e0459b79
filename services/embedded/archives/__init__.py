"""A project as one portable file: written, checked, and brought in elsewhere."""
