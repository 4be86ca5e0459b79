"""One webhook: where the facts of a project are sent, and what became of that."""
