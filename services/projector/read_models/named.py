"""The columns by which actions and cohorts are found."""

from collections.abc import Callable, Iterable

from contracts.queries.errors import InvalidQuery
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow


def named_columns(
    row: ActionRow | CohortRow, cohorts: Callable[[], Iterable[int]]
) -> dict[str, object]:
    """cohorts: those that its conditions name; may raise InvalidQuery."""
    try:
        named = list(cohorts())
    except InvalidQuery:
        # Stored under rules that are gone: a query of it is refused.
        named = []
    return {
        "team_id": row.team_id,
        "name_key": None if row.name is None else row.name.casefold(),
        "deleted": row.deleted,
        "cohorts": named,
    }
