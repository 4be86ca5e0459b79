"""Stickiness: in how many intervals actors were active."""
