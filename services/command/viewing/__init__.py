"""Views of insights by users."""
