"""Cohorts: made and edited, by list or by what people are like."""
