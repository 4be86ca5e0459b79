"""Projects: made, and their settings changed."""
