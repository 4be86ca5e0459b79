"""Webhooks, as far as two services must agree on them."""
