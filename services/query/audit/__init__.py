"""A chain of facts for auditors: what is wanted of it, what is called how, in which form."""
