"""The trail of reads: a row for each answered request that shows something of a project."""
