"""What the query service computes: each kind planned, run on the engine and rendered."""
