"""The log folded into rows, a file per read model."""
