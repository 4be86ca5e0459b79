"""Version numbers, as far as filters compare them: numeric parts, nothing else."""

import re

from services.query.events.conditions import Operator

Version = tuple[int, int, int, int]
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:[-+].*)?", re.ASCII)
_WILDCARD = re.compile(r"v?(?:(\d+(?:\.\d+)*)\.)?[*xX]", re.ASCII)


class NotAVersion(ValueError):
    """A filter value that names no version."""


def version_range(operator: Operator, value: str) -> tuple[Version, Version | None]:
    """[low, high) of what `value` means under `operator`; high None: no upper end.

    semver_eq is the range of that one version; for gt, gte, lt, lte and neq `low` is the version.
    Raises NotAVersion.
    """
    if operator == "semver_wildcard":
        return _wildcard(value)
    parts = _parts(value)
    low = _padded(parts)
    match operator:
        case "semver_eq":
            return low, _above(low, 4)
        case "semver_tilde":
            return low, _above(low, min(len(parts), 2))
        case "semver_caret":
            return low, _above(low, _first_that_counts(parts))
        case _:
            return low, None


def _parts(value: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(value.strip())
    if found is None:
        raise NotAVersion(value)
    parts = tuple(int(part) for part in found[1].split("."))
    if any(part >= 2**63 for part in parts):
        raise NotAVersion(value)
    return parts


def _wildcard(value: str) -> tuple[Version, Version | None]:
    found = _WILDCARD.fullmatch(value.strip())
    if found is None:
        raise NotAVersion(value)
    if found[1] is None:
        return (0, 0, 0, 0), None
    parts = _parts(found[1])
    return _padded(parts), _above(_padded(parts), min(len(parts), 4))


def _padded(parts: tuple[int, ...]) -> Version:
    a, b, c, d, *_ = (*parts, 0, 0, 0, 0)
    return a, b, c, d


def _above(version: Version, kept: int) -> Version:
    """The next version when only the first `kept` parts count: 1.2.3, 2 -> 1.3.0."""
    parts = [*version[: kept - 1], version[kept - 1] + 1]
    return _padded(tuple(parts))


def _first_that_counts(parts: tuple[int, ...]) -> int:
    """For ^: how many parts must stay, up to the first that is not 0."""
    for index, part in enumerate(parts[:4], start=1):
        if part:
            return index
    return min(len(parts), 4)
