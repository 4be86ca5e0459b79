"""Bus consumers: subscribers' places on the bus."""
