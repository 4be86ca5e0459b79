"""Commands in, facts appended, answers back; the doors for product events; the relay."""
