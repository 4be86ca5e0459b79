"""Who may do what with an insight."""
