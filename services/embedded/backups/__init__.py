"""Copies of a whole data folder: made beside the server that serves it, and brought back."""
