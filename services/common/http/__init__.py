"""What every HTTP service is made of."""
