"""Where pages write: the way in and out, and what they take back."""
