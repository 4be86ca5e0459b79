"""Results of queries: computed once however many ask, kept, and shown as each refresh mode says."""
