"""What the page of a trial shows: what would change, and what to know before it is done; or what
stands in the way, place by place.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from contracts.api.history import ConflictBody, FreeBody, NotUndoableBody
from contracts.api.insights import UserBody
from contracts.api.plans import PlanBody
from contracts.events.insight import InsightEvent
from contracts.events.recorded import Recorded, UserActor
from contracts.read_models.insight import InsightRow
from services.common.http.problems import Rejected
from services.common.pages.names import Moment, doer, moment, title_of

_LONGEST_VALUE = 400

S = TypeVar("S")


class Did(msgspec.Struct, frozen=True, kw_only=True):
    """The operation that is to be undone. version: that it left. elsewhere: the things that it
    changed besides this insight.
    """

    version: int
    sentences: tuple[str, ...]
    by: str
    at: Moment
    elsewhere: int


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """title: of the insight, as it is. did: of an undo. plan: None when nothing would change."""

    number: int
    title: str
    did: Did | None
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    plan: str | None


class ChangedBy(msgspec.Struct, frozen=True):
    """An operation on the insight that moved a place since. version: that it left."""

    version: int
    by: str


class ConflictShown(msgspec.Struct, frozen=True, kw_only=True):
    """One place that is not as the operation left it."""

    place: str
    left: str
    now: str
    why: str
    changed_by: tuple[ChangedBy, ...]


class InTheWay(msgspec.Struct, frozen=True, kw_only=True):
    """free: there is something that can be undone all the same. forced: it can be deleted all the
    same. stays: what nothing takes back.
    """

    number: int
    title: str
    did: Did | None
    detail: str
    conflicts: tuple[ConflictShown, ...]
    stays: tuple[str, ...]
    free: bool
    forced: bool


class NotAsAWhole(Exception):
    """What is asked for can't be done, or not all of it."""

    def __init__(self, in_the_way: InTheWay) -> None:
        super().__init__(in_the_way.detail)
        self.in_the_way = in_the_way


def notes(body: PlanBody, skipped: Sequence[int], names: Mapping[int, str | None]) -> list[str]:
    """names: of dashboards."""
    told = [
        "Its numbers can change with it."
        if body.results_can_change
        else "Its numbers stay the same."
    ]
    if body.affects.dashboards:
        told.append(f"It is on {_boards(body.affects.dashboards, names)}: it changes there, too.")
    if body.affects.shares:
        told.append("It is shared: whoever has its address sees the change.")
    if skipped:
        told.append(
            f"It does not come back on {_boards(skipped, names)}: gone, or not yours to edit."
        )
    told.append("This makes a new version. All others stay, and it can be undone itself.")
    return told


def in_the_way(
    refused: Rejected,
    row: InsightRow,
    past: Sequence[Recorded[InsightEvent]],
    did: Did | None,
    users: Mapping[int, UserBody],
) -> InTheWay:
    """Of the refusal of an undo. past: of the insight."""
    conflicts = _listed(refused, "conflicts", ConflictBody)
    stays = _listed(refused, "not_undoable", NotUndoableBody)
    return InTheWay(
        number=row.insight_id,
        title=title_of(row),
        did=did,
        detail=refused.problem.detail,
        conflicts=tuple(_conflict(each, past, users) for each in conflicts),
        stays=tuple(dict.fromkeys(each.reason for each in stays)),
        free=bool(_listed(refused, "free", FreeBody)),
        forced=any(each.code == "edited_since" for each in conflicts),
    )


def did(
    own: Sequence[Recorded[InsightEvent]],
    sentences: tuple[str, ...],
    users: Mapping[int, UserBody],
    timezone: str,
    elsewhere: int,
) -> Did:
    """own: the operation's facts about the insight."""
    return Did(
        version=own[-1].version,
        sentences=sentences,
        by=doer(user_of(own[-1]), users),
        at=moment(own[-1].at, timezone),
        elsewhere=elsewhere,
    )


def user_of(fact: Recorded[InsightEvent]) -> int | None:
    return fact.actor.user_id if isinstance(fact.actor, UserActor) else None


_WHY = {
    "changed": "It has another value now.",
    "edited_since": "Others have changed it since it was made.",
    "deleted": "The insight is deleted now.",
    "dashboard": "The dashboard is gone, or not yours to edit.",
    "not_valid": "What would be left is not valid.",
}


def _conflict(
    body: ConflictBody,
    past: Sequence[Recorded[InsightEvent]],
    users: Mapping[int, UserBody],
) -> ConflictShown:
    # The last fact of an operation is the version that it left.
    versions = {fact.operation_id: fact for fact in past}
    since = [versions[each] for each in body.changed_by if each in versions]
    within = " › ".join(step for step in (body.path or "").split("/") if step)
    return ConflictShown(
        place=f"{body.field}, at {within}" if within else body.field,
        left=_value(body.left),
        now=_value(body.now),
        why=body.reason or _WHY[body.code],
        changed_by=tuple(ChangedBy(each.version, doer(user_of(each), users)) for each in since),
    )


def _value(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode()
    if text == "null":
        return "nothing"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _boards(numbers: Sequence[int], names: Mapping[int, str | None]) -> str:
    told = ", ".join(f"“{names.get(number) or number}”" for number in numbers)
    return f"the dashboard {told}" if len(numbers) == 1 else f"the dashboards {told}"


def _listed(refused: Rejected, member: str, kind: type[S]) -> list[S]:
    found = refused.more.get(member)
    if not isinstance(found, msgspec.Raw):
        return []
    listed: list[S] = msgspec.json.decode(found, type=list[kind])  # type: ignore[valid-type]
    return listed
