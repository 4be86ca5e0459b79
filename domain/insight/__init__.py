"""One insight: what may be done to it and what follows."""
