"""A project's facts for subscribers: pulled page by page, or sent as they come."""
