"""What two processes must agree on: facts, wire bodies, read-model rows and query nodes."""
