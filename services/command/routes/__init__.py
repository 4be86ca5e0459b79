"""HTTP in, command out, answer back."""
