"""An entry of the log as an OCSF event: every fact has its class and its activity here."""

from typing import assert_never

import msgspec

from contracts.chain import Entry
from contracts.codec import Undecodable, decode_event
from contracts.differences.single import single_sentences
from contracts.events.access import AccessGranted, AccessRevoked, Grantee, Level
from contracts.events.account import (
    KeyCreated,
    KeyRevoked,
    MemberAdded,
    MemberRankChanged,
    MemberRemoved,
    ProjectCreated,
    UserErased,
)
from contracts.events.action import (
    ActionCreated,
    ActionDeleted,
    ActionDescribed,
    ActionRenamed,
    ActionRestored,
    ActionStepsChanged,
)
from contracts.events.audit import AuditEvent, PayloadErased
from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerMoved,
    BusConsumerPaused,
    BusConsumerRenamed,
    BusConsumerResumed,
    BusConsumerTypesChanged,
    BusPasswordRotated,
)
from contracts.events.cohort import (
    CohortCreated,
    CohortDeleted,
    CohortDescribed,
    CohortFiltersChanged,
    CohortPeopleAdded,
    CohortRenamed,
    CohortRestored,
)
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardDescribed,
    DashboardFiltersChanged,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    DashboardRestricted,
    DashboardTagged,
    DashboardUnpinned,
    TileAdded,
    TileArranged,
)
from contracts.events.history import InsightReverted, InsightsChangedInBulk, OperationsUndone
from contracts.events.insight import (
    InsightAddedToDashboard,
    InsightCreated,
    InsightDeleted,
    InsightDerivedNameChanged,
    InsightDescribed,
    InsightFavorited,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRemovedFromDashboard,
    InsightRenamed,
    InsightReordered,
    InsightRestored,
    InsightSaved,
    InsightTagged,
    InsightUnfavorited,
    InsightUnsaved,
)
from contracts.events.project import (
    ProjectRegistered,
    ProjectRenamed,
    ProjectTestAccountFiltersChanged,
    ProjectTimezoneChanged,
    ProjectWeekStartChanged,
)
from contracts.events.recorded import Actor, DomainEvent
from contracts.events.sharing import (
    AccessTokenRotated,
    SharePasswordAdded,
    SharePasswordRemoved,
    SharingDisabled,
    SharingEnabled,
    SharingPasswordNotRequired,
    SharingPasswordRequired,
    SharingSettingsChanged,
)
from contracts.events.viewing import InsightViewed, ShareLoginFailed, ShareLoginSucceeded
from contracts.events.webhook import (
    WebhookChanged,
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookLaneParked,
    WebhookLaneReleased,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
)
from contracts.ocsf.base import (
    FAILURE,
    INFORMATIONAL,
    LOW,
    SUCCESS,
    Event,
    Names,
    OcsfClass,
    Origin,
    Thing,
    actor,
    event,
    user,
)

CREATE, READ, UPDATE, DELETE, ENABLE, DISABLE, OTHER = 1, 2, 3, 4, 8, 9, 99
"""activity_id of Entity Management."""
ASSIGN, REVOKE = 1, 2
"""activity_id of User Access Management."""
LOGON = 1
"""activity_id of Authentication."""
ACCOUNT_CREATE, ACCOUNT_DELETE = 1, 6
"""activity_id of Account Change."""
_OTHER_TYPE = 99
_UNKNOWN_TYPE = 0

_Created = (
    InsightCreated
    | DashboardCreated
    | ActionCreated
    | CohortCreated
    | WebhookCreated
    | BusConsumerCreated
)
_Changed = (
    InsightRenamed
    | InsightDerivedNameChanged
    | InsightDescribed
    | InsightQueryChanged
    | InsightFiltersChanged
    | InsightTagged
    | InsightFavorited
    | InsightUnfavorited
    | InsightSaved
    | InsightUnsaved
    | InsightReordered
    | InsightAddedToDashboard
    | InsightRemovedFromDashboard
    | InsightRestored
    | DashboardRenamed
    | DashboardDescribed
    | DashboardFiltersChanged
    | DashboardRestricted
    | DashboardTagged
    | DashboardPinned
    | DashboardUnpinned
    | TileAdded
    | TileArranged
    | DashboardRestored
    | ActionRenamed
    | ActionDescribed
    | ActionStepsChanged
    | ActionRestored
    | CohortRenamed
    | CohortDescribed
    | CohortFiltersChanged
    | CohortPeopleAdded
    | CohortRestored
    | ProjectRegistered
    | ProjectRenamed
    | ProjectTimezoneChanged
    | ProjectWeekStartChanged
    | ProjectTestAccountFiltersChanged
    | WebhookChanged
    | WebhookPaused
    | WebhookResumed
    | WebhookDisabled
    | WebhookSecretRotated
    | WebhookLaneParked
    | WebhookLaneReleased
    | BusConsumerRenamed
    | BusConsumerTypesChanged
    | BusConsumerMoved
    | BusConsumerPaused
    | BusConsumerResumed
    | BusPasswordRotated
    | OperationsUndone
    | InsightReverted
    | InsightsChangedInBulk
)
_Deleted = (
    InsightDeleted
    | DashboardDeleted
    | ActionDeleted
    | CohortDeleted
    | WebhookDeleted
    | BusConsumerDeleted
)
_SharingChanged = (
    SharingSettingsChanged
    | SharingPasswordRequired
    | SharingPasswordNotRequired
    | AccessTokenRotated
    | SharePasswordAdded
    | SharePasswordRemoved
)

_actor = msgspec.json.Decoder(Actor)


def of(entry: Entry, names: Names) -> Event:
    """The event; `unmapped.data` is the payload as it is stored.

    A fact that this version does not know is Entity Management with the activity 99.
    """
    origin = Origin(
        uid=f"{names.installation}/{entry.team_id}/{entry.team_seq}",
        team_id=entry.team_id,
        sequence=entry.team_seq,
        code=entry.name,
        at=entry.at,
        operation_id=entry.operation_id,
    )
    try:
        told = _told(decode_event(entry.name, bytes(entry.event)), _Telling(entry, origin, names))
    except Undecodable:
        told = _Telling(entry, origin, names).entity(OTHER)
        told["activity_name"] = entry.name
    told["actor"] = actor(_actor.decode(entry.actor), names)
    told["unmapped"] = {
        "position": entry.position,
        "version": entry.version,
        "hash": entry.hash.hex(),
        "previous_hash": entry.previous.hex(),
        "commitment": entry.commitment.hex(),
        "data": entry.event,
    }
    if not entry.salt:
        told["unmapped"]["erased"] = True
    return told


class _Telling(msgspec.Struct, frozen=True):
    """One entry on its way to an event."""

    entry: Entry
    origin: Origin
    names: Names

    def entity(
        self,
        activity: int,
        kind: str | None = None,
        *,
        severity: int = INFORMATIONAL,
        comment: str = "",
        data: Event | None = None,
        number: int | None = None,
        named: str | None = None,
    ) -> Event:
        """Entity Management of the thing that the entry is about, of the insight `number`, or of
        what has no stream of its own and is `named` so.

        kind: what it is called; as its stream's unless given.
        """
        of_stream, _, uid = self.entry.subject.partition("/")
        subject = self.entry.subject if number is None else f"insight/{number}"
        told = event(
            OcsfClass.ENTITY_MANAGEMENT, activity, self.origin, self.names, severity=severity
        )
        thing = self.names.things.get(subject, Thing())
        entity: Event = {
            "uid": named or (uid if number is None else str(number)),
            "type": kind or of_stream,
            "version": str(self.entry.version),
        }
        if named is not None:
            del entity["version"]
        elif thing.name is not None:
            entity["name"] = thing.name
        if data is None and thing.short_id is not None:
            data = {"short_id": thing.short_id}
        if data is not None:
            entity["data"] = data
        told["entity"] = entity
        if comment:
            told["comment"] = comment
        return told

    def access(
        self, activity: int, insight_id: int | None, grantee: Grantee | None, level: Level
    ) -> Event:
        told = event(OcsfClass.USER_ACCESS, activity, self.origin, self.names, severity=LOW)
        told["user"] = (
            {"name": "everyone", "type_id": _OTHER_TYPE, "type": "Everyone"}
            if grantee is None
            else user(grantee.user_id, self.names)
        )
        told["privileges"] = [f"insight:{level}"]
        if insight_id is None:
            told["resource"] = {"uid": str(self.entry.team_id), "type": "project"}
        else:
            told["resource"] = {"uid": str(insight_id), "type": "insight"}
            thing = self.names.things.get(f"insight/{insight_id}")
            if thing is not None and thing.name is not None:
                told["resource"]["name"] = thing.name
        return told

    def account(self, activity: int, user_id: int) -> Event:
        told = event(OcsfClass.ACCOUNT_CHANGE, activity, self.origin, self.names, severity=LOW)
        told["user"] = user(user_id, self.names)
        return told

    def rank(self, activity: int, user_id: int, level: int | None = None) -> Event:
        """User Access Management of the organization. level: none for who leaves it."""
        told = event(OcsfClass.USER_ACCESS, activity, self.origin, self.names, severity=LOW)
        told["user"] = user(user_id, self.names)
        told["privileges"] = [f"organization:{level or 'member'}"]
        told["resource"] = {"uid": str(-self.entry.team_id), "type": "organization"}
        return told

    def visitor(self, insight_id: int, *, status: int, severity: int) -> Event:
        """Somebody without an account who gave a password of a shared insight."""
        told = event(
            OcsfClass.AUTHENTICATION,
            LOGON,
            self.origin,
            self.names,
            severity=severity,
            status=status,
        )
        told["user"] = {"name": "visitor", "type_id": _UNKNOWN_TYPE}
        told["service"] = {"name": "shared page", "uid": str(insight_id)}
        told["is_remote"] = True
        return told


def _told(fact: DomainEvent, telling: _Telling) -> Event:
    match fact:
        case InsightCreated(short_id=short_id):
            return telling.entity(CREATE, data={"short_id": short_id})
        case InsightViewed(insight_id=number):
            return telling.entity(READ, "insight", number=number)
        case SharingEnabled():
            return telling.entity(ENABLE, _SHARING, severity=LOW, comment=_comment(fact))
        case SharingDisabled():
            return telling.entity(DISABLE, _SHARING, comment=_comment(fact))
        case AccessGranted(insight_id=insight_id, grantee=grantee, level=level):
            return telling.access(ASSIGN, insight_id, grantee, level)
        case AccessRevoked(insight_id=insight_id, grantee=grantee, previous=level):
            return telling.access(REVOKE, insight_id, grantee, level)
        case ShareLoginSucceeded(insight_id=number):
            return telling.visitor(number, status=SUCCESS, severity=INFORMATIONAL)
        case ShareLoginFailed(insight_id=number):
            return telling.visitor(number, status=FAILURE, severity=LOW)
        case PayloadErased(sequence=None, reads=spans):
            spoken = ",".join(f"{first}-{last}" for first, last in spans)
            return telling.entity(DELETE, "reads", severity=LOW, named=spoken)
        case PayloadErased(sequence=sequence):
            return telling.entity(DELETE, "log entry", severity=LOW, named=str(sequence))
        case _ if isinstance(fact, AuditEvent):
            return telling.entity(UPDATE, "audit", comment=_comment(fact))
        case KeyCreated(key_id=key_id):
            return telling.entity(CREATE, "api key", severity=LOW, named=key_id)
        case KeyRevoked(key_id=key_id):
            return telling.entity(DELETE, "api key", named=key_id)
        case ProjectCreated(team_id=team_id):
            return telling.entity(CREATE, "project", named=str(team_id))
        case MemberAdded(user_id=user_id):
            return telling.account(ACCOUNT_CREATE, user_id)
        case MemberRankChanged(user_id=user_id, level=level):
            return telling.rank(ASSIGN, user_id, level)
        case MemberRemoved(user_id=user_id):
            return telling.rank(REVOKE, user_id)
        case UserErased(user_id=user_id):
            return telling.account(ACCOUNT_DELETE, user_id)
        case _ if isinstance(fact, _SharingChanged):
            return telling.entity(UPDATE, _SHARING, comment=_comment(fact))
        case _ if isinstance(fact, _Created):
            return telling.entity(CREATE)
        case _ if isinstance(fact, _Changed):
            return telling.entity(UPDATE, comment=_comment(fact))
        case _ if isinstance(fact, _Deleted):
            return telling.entity(DELETE)
        case _:
            assert_never(fact)


_SHARING = "insight sharing"


def _comment(fact: DomainEvent) -> str:
    return " ".join(single_sentences(fact))
