"""Equal parts of a range of numbers, for a breakdown by bins (trends.md section 8)."""

import math

_MORE = 0.01
_LARGEST_EXACT = 2**53


def bounds(low: float, high: float, bins: int) -> list[float]:
    """The bins' bounds, one more than there are bins: bin i holds x where bound i <= x < bound i+1.

    The last bound is a little more, so that the highest number is in. One bin if all are equal.
    """
    parts = bins if high > low else 1
    inner = [low + (high - low) * part / parts for part in range(parts)]
    return [*inner, max(high + _MORE, math.nextafter(high, math.inf))]


def bin_text(low: float, high: float) -> str:
    """`[1,2.5]`: a bin as a breakdown value."""
    return f"[{number_text(low)},{number_text(high)}]"


def number_text(number: float) -> str:
    """As JSON, whole numbers without a point."""
    if number.is_integer() and abs(number) < _LARGEST_EXACT:
        return str(int(number))
    return repr(number)
