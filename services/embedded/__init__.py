"""One process on one machine: starts the wheels' servers and composes one application."""
