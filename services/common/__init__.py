"""What the services share; small and dull on purpose."""
