"""Decides a command on access rules: its facts."""

from contracts.events.access import AccessEvent, AccessGranted, AccessRevoked
from contracts.read_models.access import AccessRow
from domain.access.commands import SetAccess


def decide(command: SetAccess, access: AccessRow | None) -> list[AccessEvent]:
    """One fact, or none when the rule is as asked already. access: None: there was never a rule."""
    rule = access.rule_of(command.grantee) if access else None
    previous = rule.level if rule else None
    if command.level is None and previous is not None:
        return [AccessRevoked(command.insight_id, command.grantee, previous)]
    if command.level is None or command.level == previous:
        return []
    return [AccessGranted(command.insight_id, command.grantee, command.level, previous)]
