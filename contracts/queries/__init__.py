"""Query nodes, legacy filters, and the way from one to the other."""
