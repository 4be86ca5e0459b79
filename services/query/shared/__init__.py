"""The public side of sharing: one insight as a page, for people without an account."""
