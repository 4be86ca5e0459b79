"""The auditor: proves the log onward and the rows against it, for ever, and rights what differs."""
