"""Funnels: request -> FunnelPlan -> Statement -> rows -> result."""
