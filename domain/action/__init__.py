"""One action: a name for what people do, and the ways to do it."""
