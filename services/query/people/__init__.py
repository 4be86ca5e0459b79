"""The people behind a number: who they are, which page of them is asked for, how they are shown."""
