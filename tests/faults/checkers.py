"""Judges what came of a run, by law: each complaint is a sentence; none when all promises held.

No expectation is written down before: what was acknowledged is in the log once, what is doubtful
once at most, nothing else is there, and every copy of the log says what the log says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from services.projector.rebuild import RebuildResult
from tests.faults.capturing import BEGAN, ENDED, CaptureHistory, people
from tests.faults.observed import Observed, Row
from tests.faults.observed_events import ObservedEvents
from tests.faults.operations import Creation, Edit, Fact, Read, View
from tests.faults.workloads import Histories


def complaints(done: Histories, seen: Observed) -> list[str]:
    """Of all workloads."""
    return [
        *registers(done.edits, seen.facts, seen.rows),
        *creations(done.creations, seen),
        *views(done.views, seen.facts),
        *reads(done.reads),
        *transport(seen.facts, seen.stream),
        *events(done.events, seen.events),
        *rebuilds([*done.rebuilt, *seen.rebuilt]),
    ]


def registers(edits: Sequence[Edit], facts: Sequence[Fact], rows: dict[int, Row]) -> Iterator[str]:
    """Each acknowledged name once, at the version that was answered, and after the one that it was
    for; a doubtful one once at most; a refused one never. A 412 says that the version has moved.
    The row is as the last fact.
    """
    there = defaultdict(list)
    last: dict[int, Fact] = {}
    sent = {edit.mark for edit in edits}
    for fact in facts:
        if fact.kind in ("create", "rename"):
            last[fact.insight] = fact
        if fact.kind == "rename":
            there[fact.mark].append(fact)
            if fact.mark not in sent:
                yield f"nobody named {fact.insight} {fact.mark}"
    for edit in edits:
        found = there[edit.mark]
        match edit.outcome:
            case "acknowledged" if len(found) != 1:
                yield f"{edit.mark} was acknowledged and is {len(found)} times in the log"
            case "doubtful" if len(found) > 1:
                yield f"{edit.mark} is doubtful and is {len(found)} times in the log"
            case "refused" if found:
                yield f"{edit.mark} was refused and is in the log"
            case "refused" if edit.status == 412 and last[edit.insight].version <= edit.expected:
                yield f"{edit.mark} was refused although {edit.insight} had not moved"
            case _:
                pass
        for fact in found:
            if edit.version not in (None, fact.version):
                yield f"{edit.mark} was answered {edit.version} and is at {fact.version}"
            if edit.expected not in (-1, fact.version - 1):
                yield f"{edit.mark} was for version {edit.expected} and follows {fact.version - 1}"
    yield from _rows(rows, last)


def _rows(rows: dict[int, Row], last: dict[int, Fact]) -> Iterator[str]:
    for insight, row in rows.items():
        fact = last[insight]
        if (row.name, row.version) != (fact.mark, fact.version):
            yield f"{insight} is read as {row.name} at {row.version}, and the log ends with {fact}"


def creations(wanted: Sequence[Creation], seen: Observed) -> Iterator[str]:
    """Once in the log; the list and the activity log are as the log."""
    there = Counter(fact.mark for fact in seen.facts if fact.kind == "create")
    for creation in wanted:
        times = there[creation.mark]
        if creation.outcome == "acknowledged" and times != 1:
            yield f"{creation.mark} was acknowledged and was created {times} times"
        if times > 1:
            yield f"{creation.mark} was created {times} times"
        if creation.outcome == "refused" and times:
            yield f"{creation.mark} was refused and was created"
    numbers = {fact.insight for fact in seen.facts if fact.kind == "create"}
    if numbers != set(seen.listed):
        yield f"the list lacks {numbers - set(seen.listed)} and has {set(seen.listed) - numbers}"
    told = Counter(seen.created)
    for mark in told.keys() | there.keys():
        if told[mark] != there[mark]:
            yield f"activity tells {told[mark]} creations of {mark}, the log {there[mark]}"


def views(seen: Sequence[View], facts: Sequence[Fact]) -> Iterator[str]:
    """acknowledged ≤ in the log ≤ sent, for each insight. (The fold of them: see `rebuilds`.)"""
    least = Counter(view.insight for view in seen if view.outcome == "acknowledged")
    most = Counter(view.insight for view in seen if view.outcome != "refused")
    there = Counter(fact.insight for fact in facts if fact.kind == "view")
    for insight in most.keys() | there.keys():
        if not least[insight] <= there[insight] <= most[insight]:
            yield (
                f"{insight} was viewed {there[insight]} times; {least[insight]} were acknowledged,"
                f" {most[insight]} sent"
            )


def reads(done: Sequence[Read]) -> Iterator[str]:
    """Never older than the client's own write; without its position an older one says so."""
    for read in done:
        if read.version >= read.wrote:
            continue
        if read.position:
            yield f"{read.insight} was read at {read.version} by who had written {read.wrote}"
        elif not read.stale:
            yield f"{read.insight} was read at {read.version} after {read.wrote}, not told stale"


def transport(facts: Sequence[Fact], stream: dict[int, str]) -> Iterator[str]:
    """Sequence = position, and the hash is the log's: no gap, no repeat."""
    for fact in facts:
        if (hash_ := stream.get(fact.position)) != fact.hash:
            yield f"the stream has {hash_} at {fact.position}, the log {fact.hash}"


def events(done: CaptureHistory, seen: ObservedEvents | None) -> Iterator[str]:
    """Each acknowledged event is one row, a doubtful one at most; nobody's rows are none; persons
    are those that a replay makes; funnels tell what is there, each computed once at a time.
    """
    if seen is None:
        return
    sent = {one.uuid: one for one in done.captured}
    for uuid, one in sent.items():
        times = seen.rows.get(uuid, 0)
        if times > 1 or (times == 0 and one.outcome == "acknowledged"):
            yield f"event {uuid} of {one.distinct_id} is {one.outcome}, and stored {times} times"
    for uuid in seen.rows.keys() - sent.keys():
        yield f"nobody has sent the event {uuid}"
    wanted = people(done.captured)
    # ClickHouse shows the ids that have events.
    have = {one.distinct_id for one in done.captured if one.outcome == "acknowledged"}
    visible = {ids & have for ids in wanted if ids & have}
    for where, found, there in (
        ("PostgreSQL", seen.persons, wanted),
        ("ClickHouse", seen.shown, visible),
    ):
        if found != there:
            yield f"persons that {where} has: {found - there}, and lacks: {there - found}"
    for funnel in done.funnels:
        if funnel.counts != [BEGAN, ENDED]:
            yield f"a funnel was {funnel.counts} and should be {[BEGAN, ENDED]}"
    for key in seen.computed_twice:
        yield f"the query {key} was computed twice at the same time"


def rebuilds(rebuilt: Sequence[RebuildResult]) -> Iterator[str]:
    """Rows are as the log tells them, and every stream can be followed."""
    for each in rebuilt:
        if each.removed or each.written or each.parked:
            yield (
                f"{each.projection}: {each.removed} rows were other ones, {each.written} should"
                f" have been there, {each.parked} streams are parked"
            )
