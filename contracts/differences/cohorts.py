"""The difference between two rows of a cohort."""

from collections.abc import Mapping

from contracts.differences.conditions import filters_rule
from contracts.differences.difference import CREATED, NO_NAMES, Difference, FieldChange, Names
from contracts.differences.documents import decoded, other_changes, same
from contracts.differences.fields import (
    all_changed,
    changed,
    deleted,
    described,
    marked,
    renamed,
)
from contracts.differences.rules import At, compared
from contracts.read_models.cohort import CohortRow


def cohort_difference(
    before: CohortRow | None, after: CohortRow, names: Names = NO_NAMES
) -> Difference:
    """names: of the cohorts that it is made of. before: None for the version that created it.

    The people of a static cohort are counted, never named: `count` is the field that changes.
    """
    if before is None:
        return CREATED
    return Difference(
        changes=all_changed(
            renamed(before.name, after.name),
            described(before.description, after.description),
            marked(
                "is_static", before.is_static, after.is_static, "Now static.", "No longer static."
            ),
            changed("filters", before.filters, after.filters, _filters(before, after, names)),
            _people(before, after),
            deleted(before.deleted, after.deleted),
        ),
        results_can_change=(
            (before.deleted, before.is_static, before.count)
            != (after.deleted, after.is_static, after.count)
            or not same(before.filters, after.filters)
        ),
    )


def _filters(before: CohortRow, after: CohortRow, names: Names) -> list[str]:
    old, new = decoded(before.filters), decoded(after.filters)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return other_changes("filters", old, new)
    return compared(old, new, (filters_rule(),), At(path="filters", names=names))


def _people(before: CohortRow, after: CohortRow) -> FieldChange | None:
    more = after.count - before.count
    if not more:
        return None
    people = "1 person" if abs(more) == 1 else f"{abs(more):,} people"
    said = f"{people} added." if more > 0 else f"{people} fewer."
    return changed("count", before.count, after.count, [said])
