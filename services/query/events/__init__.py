"""Questions that can be asked of product events, whatever the insight."""
