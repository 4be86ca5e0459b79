"""What goes along with converting, and what with dropping out."""
