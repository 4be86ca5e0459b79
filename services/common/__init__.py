"""The room that all services share; small and dull on purpose."""
