"""What auditors are told and may ask for: seals over reads, erasures, legal holds."""
