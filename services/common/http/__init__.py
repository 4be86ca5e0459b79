"""The parts that every HTTP service is made of."""
