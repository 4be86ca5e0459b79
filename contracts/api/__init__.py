"""Bodies of the HTTP API, by their names on the wire."""
