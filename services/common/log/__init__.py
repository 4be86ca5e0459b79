"""The inside of `services.common.log.store`: how appends reach the log and how the log is read."""
