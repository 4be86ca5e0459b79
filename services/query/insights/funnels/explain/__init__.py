"""Why somebody is counted where they are."""
