"""What is there of a project's history, and what was proved of it when."""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from contracts.api.completeness import (
    CompleteEntries,
    CompleteFacts,
    CompleteHead,
    Completeness,
    CompleteReads,
    CompleteStream,
    CompleteTree,
    Divergences,
    UncleanRun,
)
from contracts.api.times import written
from services.common.http.caller import Caller, require_administrator
from services.common.http.operations import reads as answers
from services.common.http.paths import project_paths
from services.query.reads.all import Reads
from services.query.reads.completeness import CompletenessFound, RunFound, StreamFound

READ = {"scopes": ("activity_log:read",)}

_encoder = msgspec.json.Encoder()


@get(project_paths("/audit/completeness/"), opt={**READ, **answers(Completeness)})
async def read_completeness(
    reads: NamedDependency[Reads], caller: NamedDependency[Caller]
) -> Response[bytes]:
    """What is there of the project's history, what was proved of it and when, and what is wrong.

    No figure is counted now: the auditor keeps them, going round. `auditor` says whether it does.
    """
    require_administrator(caller)
    return await completeness_answer(reads, caller.team_id)


async def completeness_answer(reads: Reads, chain: int) -> Response[bytes]:
    """chain: a project's number, or minus an organization's; that the caller may read it has been
    seen to.
    """
    found = await reads.completeness.of(chain)
    body = _body(chain, found)
    return Response(_encoder.encode(body), media_type="application/json")


def _body(chain: int, found: CompletenessFound) -> Completeness:
    row = found.chain
    problems = tuple(_problems(chain, found))
    return Completeness(
        project=chain,
        auditor="on" if row["facts_per_second"] else "off",
        head=_head(row),
        tree=_tree(row),
        facts=CompleteFacts(
            verified_through=row["proved_through"] or 0, verified_at=written(row["proved_at"])
        ),
        entries=_entries(row),
        reads=CompleteReads(
            last_number=row["last_number"] or 0,
            sealed_through=row["sealed_through"] or 0,
            verified_through=row["reads_through"] or 0,
            unclean_runs=tuple(map(_run, found.runs)),
        ),
        erased=row["erased"] or 0,
        holds=row["holds"] or 0,
        stream=None if found.stream is None else _stream(found.stream),
        divergences=Divergences(found=row["found"] or 0, healed=row["healed"] or 0),
        oldest_proof=written(row["oldest_proof"]),
        problems=problems,
        ok=not problems,
    )


def _problems(chain: int, found: CompletenessFound) -> Iterator[str]:
    row = found.chain
    if row["broken"] is not None:
        # Which other project it is, is not for this one's readers.
        own = row["broken_team"] == chain
        yield f"the log is not what was written: {row['broken'] if own else 'another project'}"
    if unhealed := (row["found"] or 0) - (row["healed"] or 0):
        yield f"{unhealed} rows are not as the log tells them"
    if row["missing"]:
        yield f"{row['missing']} operations have no entry in the activity log"
    if row["reads_broken"] is not None:
        yield f"reads from number {row['reads_broken']} on are not what was sealed"
    if waiting := sum(run.taken_over_at is None for run in found.runs):
        yield f"{waiting} processes died, and what they had read is not stored yet"
    if found.stream is not None and found.stream.holes:
        yield f"{found.stream.holes} messages of the public stream are missing"


def _head(row: dict[str, Any]) -> CompleteHead | None:
    if row["sequence"] is None:
        return None
    return CompleteHead(
        sequence=row["sequence"],
        # No entry is there where the head says: then the log does not verify.
        position=row["position"] or 0,
        hash=row["hash"].hex(),
        at=written(row["at"]),
    )


def _tree(row: dict[str, Any]) -> CompleteTree | None:
    if row["size"] is None:
        return None
    return CompleteTree(
        size=row["size"],
        root=row["root"].hex(),
        signed_at=written(row["signed_at"]),
        witnesses=row["witnesses"],
    )


def _entries(row: dict[str, Any]) -> CompleteEntries | None:
    if row["entries"] is None:
        return None
    return CompleteEntries(
        activity=row["entries"], operations=row["operations"], missing=row["missing"]
    )


def _run(found: RunFound) -> UncleanRun:
    return UncleanRun(
        run=found.run,
        started_at=written(found.started_at),
        seen_at=written(found.seen_at),
        taken_over_at=written(found.taken_over_at),
    )


def _stream(found: StreamFound) -> CompleteStream:
    return CompleteStream(
        first=found.first,
        last=found.last,
        holes=found.holes,
        swept_through=found.swept_through,
        swept_at=written(found.swept_at),
    )


HANDLERS = [read_completeness]
