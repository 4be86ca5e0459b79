"""Releases beside each other, and what every release has left behind."""
