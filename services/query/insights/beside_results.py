"""Members of an answer beside its result, of those that the request asked for (`include=`)."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Raw

from services.query.insights.additions import CHANGES, INCOMPLETE, LATE, RESULT_HASH, WARNINGS
from services.query.results.service import ResultAnswer

NOTHING = Raw(b"[]")


def beside_result(
    answered: ResultAnswer, include: Collection[str], ignored: Sequence[str] = ()
) -> dict[str, Any]:
    """changes, computed_to, late_changes and result_hash are of a result: none while a job
    computes it.

    ignored: the parts of the request without effect, whatever the project.
    """
    found: dict[str, Any] = {}
    if answered.cached is not None and INCOMPLETE in include:
        reached = answered.cached.reached
        found["computed_to"] = None if reached is None else reached.told
    if answered.cached is not None and RESULT_HASH in include:
        found["result_hash"] = hashlib.sha256(answered.cached.result.results).hexdigest()
    if answered.cached is not None and LATE in include:
        found["late_changes"] = answered.cached.result.extra.get("late_changes", NOTHING)
    if answered.cached is not None and CHANGES in include:
        found["changes"] = answered.cached.result.extra.get("changes", NOTHING)
    if WARNINGS in include:
        of_data = () if answered.cached is None else answered.cached.result.warnings
        found["warnings"] = [*ignored, *answered.warnings, *of_data]
    return found
