"""What is counted of streams."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("recount_stream_connections", "Open streams of server-sent events.")
GOODBYES = Counter("recount_stream_goodbyes", "Streams that the server has ended.", ["reason"])
EVENTS = Counter("recount_stream_events", "Events sent over all streams.")
