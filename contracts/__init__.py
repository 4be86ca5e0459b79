"""The agreements between processes: facts, wire bodies, read-model rows and query nodes."""
