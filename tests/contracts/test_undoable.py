"""What an answer says can't be taken back is what undoing itself refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import decode_event
from contracts.undoable import NOT_UNDOABLE, not_undoable
from domain.access import undo as access
from domain.action import undo as action
from domain.bus_consumer import undo as bus_consumer
from domain.cohort import undo as cohort
from domain.dashboard import undo as dashboard
from domain.insight import undo as insight
from domain.project import undo as project
from domain.sharing import undo as sharing
from domain.webhook import undo as webhook

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
TOUCH: dict[str, Callable[[Any], Any]] = {
    "access": access.touch,
    "action": action.touch,
    "bus_consumer": bus_consumer.touch,
    "cohort": cohort.touch,
    "dashboard": dashboard.touch,
    "insight": insight.touch,
    "project": project.touch,
    "sharing": sharing.touch,
    "webhook": webhook.touch,
}


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_the_reasons_are_those_of_undoing(file: Path) -> None:
    kind = file.stem.partition(".")[0]
    if kind in TOUCH:
        touched = TOUCH[kind](decode_event(file.stem, file.read_bytes()))
        assert not_undoable(file.stem, made=False) == touched.reason
    else:
        assert (file.stem in NOT_UNDOABLE) == (kind in ("account", "audit", "log", "viewing"))


def test_what_made_a_thing_takes_all_with_it() -> None:
    assert not_undoable("cohort.people_added.v1", made=True) is None
    assert not_undoable("viewing.insight_viewed.v1", made=True)
    assert not_undoable("audit.hold_placed.v1", made=True)
    assert not_undoable("account.project_created.v1", made=True)
    assert not_undoable("project.registered.v1", made=True)
