"""Access rules as readers see them.

Deciding needs no more than this, so it is the state too.
"""

from collections.abc import Iterable
from functools import reduce
from typing import assert_never

from msgspec.structs import replace

from contracts.events.access import AccessEvent, AccessGranted, AccessRevoked
from contracts.events.recorded import Recorded
from contracts.read_models.access import WHOLE_PROJECT, AccessRow, AccessRule, same_grantee


def project(row: AccessRow | None, recorded: Recorded[AccessEvent]) -> AccessRow:
    """The row after one more fact."""
    event = recorded.event
    number = WHOLE_PROJECT if event.insight_id is None else event.insight_id
    before = row or AccessRow(team_id=recorded.team_id, insight_id=number)
    return replace(
        before,
        rules=_rules(before, recorded),
        position=recorded.position,
        version=recorded.version,
    )


def view(history: Iterable[Recorded[AccessEvent]]) -> AccessRow | None:
    """None: there was never a rule."""
    return reduce(project, history, None)


def _rules(row: AccessRow, recorded: Recorded[AccessEvent]) -> tuple[AccessRule, ...]:
    event = recorded.event
    match event:
        case AccessGranted(grantee=grantee, level=level):
            known = row.rule_of(grantee)
            if known is None:
                added = AccessRule(
                    grantee=grantee,
                    level=level,
                    created_by=recorded.user_id,
                    created_at=recorded.at,
                    updated_at=recorded.at,
                )
                return (*row.rules, added)
            changed = replace(known, grantee=grantee, level=level, updated_at=recorded.at)
            return tuple(changed if rule is known else rule for rule in row.rules)
        case AccessRevoked(grantee=grantee):
            return tuple(rule for rule in row.rules if not same_grantee(rule.grantee, grantee))
        case _:
            assert_never(event)
