"""Webhooks: made, changed, paused, and told what to send again. The projector delivers."""
