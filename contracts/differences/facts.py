"""Sentences for facts on what has no versions: sharing, access rules, views, webhooks, consumers;
accounts and what is said for auditors stand in `audits`.

Such a fact says by itself what it changed, so no row is needed.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from contracts.differences.audits import account_sentence, audit_sentence
from contracts.differences.fields import renamed
from contracts.differences.rules import At, compared
from contracts.differences.words import all_of, count, plain, quoted
from contracts.events.access import AccessEvent, AccessGranted, AccessRevoked, Grantee
from contracts.events.account import AccountEvent
from contracts.events.audit import AuditEvent
from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerEvent,
    BusConsumerMoved,
    BusConsumerPaused,
    BusConsumerRenamed,
    BusConsumerResumed,
    BusConsumerTypesChanged,
    BusPasswordRotated,
)
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingEvent,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.viewing import (
    InsightViewed,
    ShareLoginFailed,
    ShareLoginSucceeded,
    ViewingEvent,
)
from contracts.events.webhook import (
    DisabledReason,
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookEvent,
    WebhookLaneParked,
    WebhookLaneReleased,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
    WebhookSettings,
)

_DISABLED: Mapping[DisabledReason, str] = {
    "gone": "Disabled: the receiver is gone (410).",
    "no_success": "Disabled: nothing arrived for five days.",
}


def fact_sentences(fact: DomainEvent) -> tuple[str, ...]:
    """At least one; none for facts on what has versions, which are told by comparing rows."""
    if isinstance(fact, SharingEvent):
        return _sharing(fact)
    if isinstance(fact, AccessEvent):
        return (_access(fact),)
    if isinstance(fact, ViewingEvent):
        return (_viewing(fact),)
    if isinstance(fact, WebhookEvent):
        return _webhook(fact)
    if isinstance(fact, AuditEvent):
        return (audit_sentence(fact),)
    if isinstance(fact, AccountEvent):
        return (account_sentence(fact),)
    return _bus_consumer(fact) if isinstance(fact, BusConsumerEvent) else ()


def _sharing(fact: SharingEvent) -> tuple[str, ...]:
    match fact:
        case SharingEnabled():
            return ("Shared.",)
        case SharingDisabled():
            return ("No longer shared.",)
        case SharingSettingsChanged(settings=after, previous=before):
            old, new = (msgspec.json.decode(each) or {} for each in (before, after))
            said = compared(old, new, (), At())
            return tuple(said) or ("Settings of the share changed.",)
        case SharingPasswordRequired():
            return ("The share asks for a password.",)
        case SharingPasswordNotRequired():
            return ("The share no longer asks for a password.",)
        case AccessTokenRotated(grace_seconds=seconds):
            old_address = f"the one before works for {count(seconds, 'more second')}"
            return (f"Shared under a new address; {old_address}.",)
        case SharePasswordAdded(note=note):
            return (f"A password of the share was added{f': {plain(note)}' if note else ''}.",)
        case SharePasswordRemoved():
            return ("A password of the share was removed.",)
        case _:
            assert_never(fact)


def _access(fact: AccessEvent) -> str:
    whose = _grantee(fact.grantee) + (" to all insights" if fact.insight_id is None else "")
    match fact:
        case AccessGranted(level=level, previous=None):
            return f"Access of {whose} is {level} by a rule now."
        case AccessGranted(level=level, previous=previous):
            return f"Access of {whose} is {level} instead of {previous}."
        case AccessRevoked(previous=previous):
            return f"Access of {whose} is under no rule any more (was {previous})."
        case _:
            assert_never(fact)


def _grantee(grantee: Grantee | None) -> str:
    return "everyone" if grantee is None else f"user {grantee.user_id}"


def _viewing(fact: ViewingEvent) -> str:
    match fact:
        case InsightViewed(insight_id=number):
            return f"Insight {number} was looked at."
        case ShareLoginSucceeded(insight_id=number):
            return f"A password opened the share of insight {number}."
        case ShareLoginFailed(insight_id=number):
            return f"A wrong password was given for the share of insight {number}."
        case _:
            assert_never(fact)


def _webhook(fact: WebhookEvent) -> tuple[str, ...]:
    match fact:
        case WebhookCreated():
            return ("Created.",)
        case WebhookChanged(settings=after, previous=before):
            return tuple(_webhook_settings(before, after)) or ("Settings changed.",)
        case WebhookPaused():
            return ("Paused.",)
        case WebhookResumed():
            return ("Resumed.",)
        case WebhookDisabled(reason=reason):
            return (_DISABLED[reason],)
        case WebhookSecretRotated(grace_seconds=seconds):
            old = f"the one before signs beside it for {count(seconds // 3600, 'hour')}"
            return (f"A new secret; {old}.",)
        case WebhookLaneParked(lane=lane, sequence=sequence):
            return (f"Nothing more of {plain(lane)} is sent: {sequence} failed.",)
        case WebhookLaneReleased(lane=lane, sequence=sequence, how="retry"):
            return (f"{sequence} of {plain(lane)} is sent again.",)
        case WebhookLaneReleased(lane=lane, sequence=sequence):
            return (f"{sequence} of {plain(lane)} is left out.",)
        case WebhookDeleted():
            return ("Deleted.",)
        case _:
            assert_never(fact)


def _webhook_settings(before: WebhookSettings, after: WebhookSettings) -> list[str]:
    said: list[str] = []
    if before.host != after.host:
        said.append(f"Sent to {plain(after.host)} instead of {plain(before.host)}.")
    elif before.address_id != after.address_id:
        said.append(f"Sent to another address of {plain(after.host)}.")
    if before.description != after.description:
        said.append("Description changed.")
    said += _types(before.types, after.types)
    if before.insights != after.insights:
        old, new = (_insights(each.insights) for each in (before, after))
        said.append(f"Facts about {new} instead of {old}.")
    if before.max_in_flight != after.max_in_flight:
        old, new = (str(each.max_in_flight) for each in (before, after))
        said.append(f"At most {new} are under way at once instead of {old}.")
    if before.signature != after.signature:
        said.append(f"Signed by {_signed(after)} instead of {_signed(before)}.")
    return said


def _types(before: Sequence[str], after: Sequence[str]) -> list[str]:
    if before == after:
        return []
    old, new = (all_of([plain(each) for each in types]) or "all" for types in (before, after))
    return [f"Facts of the types {new} instead of {old}."]


def _insights(numbers: Sequence[int] | None) -> str:
    if numbers is None:
        return "everything"
    return f"insights {all_of([str(each) for each in numbers])}" if numbers else "no insight"


def _signed(settings: WebhookSettings) -> str:
    return "v1 and v1a" if settings.signature == "both" else settings.signature


def _bus_consumer(fact: BusConsumerEvent) -> tuple[str, ...]:
    match fact:
        case BusConsumerCreated():
            return ("Created.",)
        case BusConsumerRenamed(name=name, previous=previous):
            change = renamed(previous, name)
            return change.sentences if change else (f"Named {quoted(name)}.",)
        case BusConsumerTypesChanged(types=types, previous=previous):
            return tuple(_types(previous, types)) or ("Types changed.",)
        case BusConsumerMoved(after=after, previous=previous):
            return (f"Begins behind {after.sequence} instead of {previous.sequence}.",)
        case BusConsumerPaused():
            return ("Paused.",)
        case BusConsumerResumed():
            return ("Resumed.",)
        case BusPasswordRotated():
            return ("A new password; the one before is dead.",)
        case BusConsumerDeleted():
            return ("Deleted.",)
        case _:
            assert_never(fact)
