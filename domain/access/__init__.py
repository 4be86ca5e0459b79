"""Access rules of insights: the level that each of them gives to one user, or to everybody."""
