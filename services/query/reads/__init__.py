"""Statements over the read models: SQL in, row Structs out."""
