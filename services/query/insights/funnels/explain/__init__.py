"""Explanations of an actor's numbers: its attempts, and their ends."""
