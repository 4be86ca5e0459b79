"""What both services that show insights know of them."""
