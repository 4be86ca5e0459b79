"""Webhooks, delivered: the log read on into what is pending, and sent lane by lane."""
