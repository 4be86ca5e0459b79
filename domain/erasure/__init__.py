"""What is erased, and what is left of it."""
