"""Who may do what with insights: rules set and taken away."""
