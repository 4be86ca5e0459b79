"""One dashboard: what may be done to it and what follows."""
