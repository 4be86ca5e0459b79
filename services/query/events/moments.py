"""Times as whole microseconds, as `contracts.times` has them."""

from contracts.times import microseconds, moment

__all__ = ["microseconds", "moment"]
