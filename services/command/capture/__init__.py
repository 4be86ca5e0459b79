"""The doors for product events: what SDKs send, made canonical, durable before the answer."""
