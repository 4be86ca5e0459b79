"""The commands of `recount`, one file each; they say what is typed and shown, and nothing else."""
