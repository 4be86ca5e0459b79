"""One cohort: people by list, or by what they are like."""
