"""The inside of `services.common.store`: how appends reach the log and how the log is read."""
