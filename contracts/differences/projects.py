"""The difference between two rows of a project's settings."""

from contracts.differences.conditions import filters_rule
from contracts.differences.difference import CREATED, NO_NAMES, Difference, Names
from contracts.differences.documents import decoded, same
from contracts.differences.fields import all_changed, changed, renamed
from contracts.differences.rules import At, compared
from contracts.differences.words import plain
from contracts.read_models.project import ProjectRow

_DAYS = ("Sunday", "Monday")


def project_difference(
    before: ProjectRow | None, after: ProjectRow, names: Names = NO_NAMES
) -> Difference:
    """names: of cohorts. before: None for the version that registered them."""
    if before is None:
        return CREATED
    settings = [
        (each.timezone, each.week_start_day, each.test_account_filters) for each in (before, after)
    ]
    zones = [] if before.timezone == after.timezone else [after.timezone, before.timezone]
    days = [after.week_start_day, before.week_start_day]
    return Difference(
        changes=all_changed(
            renamed(before.name, after.name),
            changed(
                "timezone",
                before.timezone,
                after.timezone,
                [f"Timezone is {' instead of '.join(plain(each) for each in zones)}."]
                if zones
                else [],
            ),
            changed(
                "week_start_day",
                before.week_start_day,
                after.week_start_day,
                [f"Weeks start on {_DAYS[days[0]]} instead of {_DAYS[days[1]]}."]
                if days[0] != days[1]
                else [],
            ),
            changed(
                "test_account_filters",
                before.test_account_filters,
                after.test_account_filters,
                _filters(before, after, names),
            ),
        ),
        results_can_change=settings[0][:2] != settings[1][:2]
        or not same(before.test_account_filters, after.test_account_filters),
    )


def _filters(before: ProjectRow, after: ProjectRow, names: Names) -> list[str]:
    name = "test_account_filters"
    old, new = ({name: decoded(row.test_account_filters)} for row in (before, after))
    at = At(names=names, subject="A real account")
    return compared(old, new, (filters_rule(name),), at)
