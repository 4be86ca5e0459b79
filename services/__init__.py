"""The processes: thin adapters around the domain."""
