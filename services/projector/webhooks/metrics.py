"""Metrics of webhooks, for Prometheus."""

from prometheus_client import Counter, Gauge

pending = Gauge("recount_webhook_pending", "Events that this process's webhooks have to send.")
parked_lanes = Gauge("recount_webhook_parked_lanes", "Lanes of them that gave up.")
attempts = Counter("recount_webhook_attempts", "Events sent, by what came of it.", ["outcome"])
