"""Bus consumers: made, let in, kept in line with the log, and cut off."""
