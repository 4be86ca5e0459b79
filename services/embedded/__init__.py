"""One process on one machine: starts the servers that ship in wheels and composes one application."""
