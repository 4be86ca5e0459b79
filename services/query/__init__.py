"""Reads: rows become bodies, plans become SQL, product events become numbers."""
