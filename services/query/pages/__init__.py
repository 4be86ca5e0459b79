"""The pages of a project, for people with a key: its insights, one of them, what happens."""
