"""What Recount tells in OCSF 1.5.0, the form that SIEMs read: facts, activity entries, reads."""
