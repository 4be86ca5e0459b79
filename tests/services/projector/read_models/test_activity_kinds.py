"""The entries of every kind of thing: whose they are, what they are called, what they tell."""

from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw

from contracts.events.access import AccessGranted, AccessRevoked, Grantee
from contracts.events.account import AccountEvent
from contracts.events.action import ActionCreated, ActionDeleted, ActionStepsChanged
from contracts.events.audit import (
    ErasureCompleted,
    ErasureRequested,
    HoldLifted,
    HoldPlaced,
    KeyRotated,
    ReadsExpired,
    ReadsSealed,
    RowHealed,
    erased_entry,
)
from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerPaused,
    BusPasswordRotated,
    BusStart,
)
from contracts.events.cohort import CohortCreated, CohortPeopleAdded
from contracts.events.dashboard import (
    DashboardCreated,
    DashboardDeleted,
    DashboardPinned,
    DashboardRenamed,
    DashboardRestored,
    TileAdded,
    TileArranged,
)
from contracts.events.history import HistoryEvent, InsightReverted
from contracts.events.insight import InsightRenamed
from contracts.events.project import ProjectRegistered, ProjectTimezoneChanged
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, StreamKind
from contracts.events.webhook import (
    WebhookChanged,
    WebhookCreated,
    WebhookLaneParked,
    WebhookPaused,
    WebhookSecretRotated,
)
from contracts.json import EMPTY_OBJECT
from contracts.read_models.activity import ActivityRow
from domain.activity.told import TOLD
from tests.examples import INSIGHT, START, TEAM, created
from tests.services.projector.projecting import Projecting, dashboard
from tests.services.projector.webhooks.delivering import SETTINGS as HOOK

BOB = Grantee(2, UUID(int=2))
"""The one who is granted something."""
AS_BOB = {"user_id": 2, "member_id": str(UUID(int=2))}
PAUSED = ("state", "active", "paused")


def of(kind: StreamKind, number: int = 3) -> Stream[DomainEvent]:
    return Stream(kind, TEAM, number)


def shown(entry: ActivityRow) -> tuple[str, list[tuple[str, Any, Any]] | None]:
    changes = entry.details.changes
    if changes is None:
        return entry.activity, None
    return entry.activity, [
        (each.field, msgspec.json.decode(each.before), msgspec.json.decode(each.after))
        for each in changes
    ]


Case = tuple[Stream[DomainEvent], list[tuple[DomainEvent, ...]], str, str, str | None, list[Any]]
"""The stream, its operations, scope, item and name of their entries, and what each tells."""

CASES: dict[str, Case] = {
    "dashboard": (
        dashboard(),
        [
            (DashboardCreated(3, "Growth"), DashboardPinned()),
            (DashboardRenamed("Board", "Growth"), DashboardRenamed("KPIs", "Board")),
            (TileAdded(31, INSIGHT), TileAdded(32, 8)),
            (TileArranged(31, "blue", EMPTY_OBJECT, None, EMPTY_OBJECT),),
            (DashboardDeleted(tiles=(31,)),),
            (DashboardRestored(),),
        ],
        "Dashboard",
        "3",
        "KPIs",
        [
            ("created", None),
            ("updated", [("name", "Growth", "KPIs")]),
            ("updated", [("tiles", None, {"id": 31}), ("tiles", None, {"id": 32})]),
            (
                "updated",
                [
                    (
                        "tiles",
                        {"id": 31, "color": None, "layouts": {}},
                        {"id": 31, "color": "blue", "layouts": {}},
                    )
                ],
            ),
            ("deleted", [("deleted", False, True)]),
            ("restored", [("deleted", True, False)]),
        ],
    ),
    "action": (
        of(StreamKind.ACTION),
        [
            (ActionCreated(3, "Pays"),),
            (ActionStepsChanged(Raw(b'[{"event":"paid"}]'), Raw(b"[]")),),
            (ActionDeleted(),),
        ],
        "Action",
        "3",
        "Pays",
        [
            ("created", None),
            ("updated", [("steps", [], [{"event": "paid"}])]),
            ("deleted", [("deleted", False, True)]),
        ],
    ),
    "cohort": (
        of(StreamKind.COHORT),
        [
            (CohortCreated(3, "Testers", is_static=True), CohortPeopleAdded((UUID(int=1),))),
            (CohortPeopleAdded((UUID(int=2), UUID(int=3))), CohortPeopleAdded((UUID(int=4),))),
        ],
        "Cohort",
        "3",
        "Testers",
        [("created", None), ("updated", [("people", 1, 4)])],
    ),
    "project": (
        of(StreamKind.PROJECT, 0),
        [
            (
                ProjectRegistered("Shop", "UTC", 0, Raw(b"[]")),
                ProjectTimezoneChanged("Asia/Tokyo", "UTC"),
            ),
        ],
        "Team",
        str(TEAM),
        "Shop",
        [("updated", [("timezone", "UTC", "Asia/Tokyo")])],
    ),
    "rules of a project": (
        of(StreamKind.ACCESS, 0),
        [(AccessGranted(None, None, "none", None), AccessGranted(None, BOB, "editor", "viewer"))],
        "Team",
        str(TEAM),
        None,
        [
            (
                "access changed",
                [
                    ("access_control", None, {"grantee": None, "level": "none"}),
                    (
                        "access_control",
                        {"grantee": AS_BOB, "level": "viewer"},
                        {"grantee": AS_BOB, "level": "editor"},
                    ),
                ],
            )
        ],
    ),
    "webhook": (
        of(StreamKind.WEBHOOK),
        [
            (WebhookCreated(3, HOOK, after=5, secret_id=2, public_key="whpk_x"),),
            (WebhookChanged(msgspec.structs.replace(HOOK, address_id=99), HOOK),),
            (WebhookPaused(),),
            (WebhookSecretRotated(4, "whpk_y", 2, 60),),
            (WebhookLaneParked("insight/7", 9, UUID(int=9), 10, "500"),),
        ],
        "Webhook",
        "wh_3",
        HOOK.description or HOOK.host,
        [
            ("created", None),
            ("updated", [("url", HOOK.host, HOOK.host)]),
            ("paused", [PAUSED]),
            ("secret rotated", []),
            ("lane parked", [("parked", None, "insight/7")]),
        ],
    ),
    "bus consumer": (
        of(StreamKind.BUS_CONSUMER),
        [
            (BusConsumerCreated(3, "bc_7Kq", "Warehouse", (), BusStart(0, 0), 1),),
            (BusConsumerPaused(),),
            (BusPasswordRotated(2, 1),),
        ],
        "BusConsumer",
        "bc_7Kq",
        "Warehouse",
        [("created", None), ("paused", [("paused", False, True)]), ("secret rotated", [])],
    ),
    "audit": (
        of(StreamKind.AUDIT, 0),
        [
            (ReadsSealed(first=1, last=9, count=9, root="00", from_=START, to=START),),
            (ReadsExpired(4, 4),),
            (KeyRotated("old+key", "new+key", lost=False),),
            (RowHealed("insights", "[1,7]", 12),),
        ],
        "Audit",
        "audit/0",
        None,
        [
            ("reads expired", [("reads", None, {"through": 4, "count": 4})]),
            ("key rotated", [("key", "old+key", "new+key")]),
            (
                "healed",
                [("row", None, {"projection": "insights", "key": "[1,7]", "position": 12})],
            ),
        ],
    ),
    "hold": (
        of(StreamKind.HOLD),
        [(HoldPlaced(3, "A claim", (2,), ()),), (HoldLifted(3),)],
        "Audit",
        "hold/3",
        None,
        [
            (
                "hold placed",
                [
                    (
                        "hold",
                        None,
                        {"hold_id": 3, "reason": "A claim", "users": [2], "insights": []},
                    )
                ],
            ),
            ("hold lifted", [("held", True, False)]),
        ],
    ),
    "erasure": (
        of(StreamKind.ERASURE),
        [
            (ErasureRequested(3, "They asked"),),
            (ErasureCompleted(3, "logical", {"log": 2}),),
        ],
        "Audit",
        "erasure/3",
        None,
        [
            ("erasure requested", [("reason", None, "They asked")]),
            (
                "erasure completed",
                [("completed", None, {"state": "logical", "counts": {"log": 2}})],
            ),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
async def test_each_kind_of_thing_has_its_entries(projector: Projecting, case: Case) -> None:
    stream, operations, scope, item_id, name, told = case
    for events in operations:
        await projector.append(*events, of=stream)
    await projector.catch_up(size=1)
    found = await projector.activity(item_id, scope)
    assert [shown(entry) for entry in found] == told
    assert found[-1].details.name == name
    assert {(entry.insight_id, entry.quiet) for entry in found} == {(None, False)}


async def test_rules_of_an_insight_are_quiet_entries_of_it(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    rules = of(StreamKind.ACCESS, INSIGHT)
    await projector.append(AccessGranted(INSIGHT, BOB, "editor", None), of=rules)
    await projector.append(AccessRevoked(INSIGHT, BOB, "editor"), of=rules)
    await projector.catch_up()
    _, granted, revoked = await projector.activity()
    rule = {"grantee": AS_BOB, "level": "editor"}
    assert shown(granted) == ("access changed", [("access_control", None, rule)])
    assert shown(revoked) == ("access changed", [("access_control", rule, None)])
    assert (granted.quiet, granted.details.name, granted.details.short_id) == (
        True,
        "A",
        "aB3dE6gH",
    )


async def test_an_erasure_is_an_entry_beside_what_it_folds_again(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    (renamed,) = await projector.append(InsightRenamed("Ada", "A"))
    await projector.append(
        ErasureRequested(3, "They asked"),
        erased_entry(3, renamed.team_seq, "insight.renamed.v1", bytes(32), ("name",)),
        of=of(StreamKind.ERASURE),
    )
    await projector.catch_up(size=1)
    assert [entry.activity for entry in await projector.activity()] == ["created", "updated"]
    (entry,) = await projector.activity("erasure/3", "Audit")
    _, changes = shown(entry)
    assert changes is not None
    assert [field for field, *_ in changes] == ["reason", "erased"]
    assert changes[1][2]["sequence"] == renamed.team_seq


async def test_the_last_fact_of_an_entry_is_its_place(projector: Projecting) -> None:
    await projector.append(created(name="A"))
    facts = await projector.append(InsightRenamed("B", "A"), InsightRenamed("C", "B"))
    await projector.catch_up(size=1)
    _, entry = await projector.activity()
    assert (entry.position, entry.sequence) == (facts[1].position, facts[1].team_seq)
    assert entry.operation_id == facts[0].operation_id
    assert (entry.at, entry.user_id) == (facts[0].at, 1)


def test_every_fact_of_a_project_makes_an_entry_or_stands_beside_one_that_does() -> None:
    beside = {*get_args(HistoryEvent), *get_args(AccountEvent)}
    assert set(TOLD) | beside == set(get_args(DomainEvent))
    assert not set(TOLD) & beside
    assert InsightReverted in beside
