"""Access rules of insights, set and taken away."""
