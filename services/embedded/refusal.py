"""Why an embedded server can't be started here, in words for the person who typed the command."""


class CannotStart(Exception):
    """Nothing is broken; something has to be chosen differently, and the message says what."""
