"""`recount verify`."""

import asyncio
import sys
from importlib.resources import files
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import Progress as Bar

from contracts.notes import MalformedNote
from services.common.log.verify import Code, HeadMoved, HistoryBroken, VerifyProgress
from services.common.proofs.holding import Held, KeptCheckpoint, NotAsSigned, held, kept_checkpoint
from services.common.verifying import offline
from services.embedded import folder_database
from services.embedded.commands import shared_options


class ProjectChain(msgspec.Struct, frozen=True):
    """The end of a project's chain: entries so far, and the last one's hash in hexadecimal.

    signed: up to this size a checkpoint covers it.
    """

    entries: int
    hash: str
    signed: int


class VerifyOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome as scripts get it. checkpoints: so many were held against the log."""

    holds: bool = True
    entries: int
    projects: dict[int, ProjectChain]
    checkpoints: int


class VerifyBroken(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry that does not hold. sequence: in the project. type: its stored name."""

    holds: bool = False
    code: Code
    project: int
    sequence: int | None
    position: int | None
    type: str | None
    reason: str


@click.command()
@click.option(
    "--export",
    "export",
    metavar="FILE",
    help="An archive of audit/export/, or stored CloudEvents: with no server and no data folder.",
)
@click.option("--key", "keys", multiple=True, metavar="VKEY", help="A key that you trust, of it.")
@click.option(
    "--against",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CHECKPOINT-FILE",
    help="A checkpoint that you kept elsewhere; any number of them.",
)
@click.option(
    "--reads",
    metavar="FILE",
    help="With --export: the trail of reads as lines (audit export --reads), exported after it.",
)
@click.option("--print-verifier", is_flag=True, help="Print the one file that verifies --export.")
@shared_options.data_dir
@shared_options.as_json
def verify(
    export: str | None,
    keys: tuple[str, ...],
    against: tuple[Path, ...],
    reads: str | None,
    print_verifier: bool,
    data_dir: Path,
    as_json: bool,
) -> None:
    """Prove that the log is whole and unchanged, from its first entry on.

    Beside a running server, too; and that it is what every checkpoint of it says. Prints each
    project's last hash: kept elsewhere, it proves later that nothing before it was changed.
    Otherwise exit code 1, and the first entry that does not hold.
    """
    if print_verifier:
        click.echo(files(offline.__package__).joinpath("offline.py").read_text(), nl=False)
        return
    if export is not None:
        sys.exit(offline.run(export, keys, map(str, against), as_json, reads))
    if reads is not None:
        raise click.UsageError("--reads goes with --export.")
    if keys:
        raise click.UsageError("--key goes with --export: a data folder has its keys.")
    kept = [_kept(path) for path in against]
    try:
        with folder_database.database(data_dir, shared_options.settings()) as url:
            found = asyncio.run(_verify(url, kept))
    except (HistoryBroken, HeadMoved, NotAsSigned) as broken:
        if as_json:
            shared_options.print_json(_broken(broken))
        click.echo(f"recount: the history does not hold: {broken}", err=True)
        sys.exit(1)
    shown = _output(found)
    if as_json:
        shared_options.print_json(shown)
        return
    click.echo(f"{shown.entries:,} entries, whole and unchanged.")
    for team_id, project in shown.projects.items():
        signed = f", signed up to {project.signed:,}" if project.signed else ""
        click.echo(
            f"{_chain(team_id)}: {project.entries:,} entries, last hash {project.hash}{signed}"
        )


def _kept(path: Path) -> KeptCheckpoint:
    try:
        return kept_checkpoint(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError, MalformedNote) as cause:
        click.echo(f"recount: {path}: {cause}", err=True)
        sys.exit(2)


def _output(found: Held) -> VerifyOutput:
    return VerifyOutput(
        entries=found.verification.entries,
        projects={
            team_id: ProjectChain(link.team_seq, link.hash.hex(), found.signed.get(team_id, 0))
            for team_id, link in sorted(found.verification.links.items())
        },
        checkpoints=found.checkpoints,
    )


def _broken(broken: HistoryBroken | HeadMoved | NotAsSigned) -> VerifyBroken:
    at = broken if isinstance(broken, HistoryBroken) else None
    return VerifyBroken(
        code=broken.code,
        project=broken.team_id,
        sequence=broken.sequence,
        position=at.position if at is not None else None,
        type=at.name if at is not None else None,
        reason=str(broken),
    )


async def _verify(url: str, kept: list[KeptCheckpoint]) -> Held:
    found: Held | None = None
    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("entries")
        # To the end, and not only to the outcome: leaving earlier would leave its connection open.
        async for report in held(url, kept):
            match report:
                case VerifyProgress(checked=checked, total=total):
                    bar.update(task, completed=checked, total=total)
                case Held():
                    found = report
    if found is None:
        raise AssertionError("verification ends with its outcome")
    return found


def _chain(team_id: int) -> str:
    """Below zero stand the organizations' own."""
    if team_id == 0:
        return "The log's own chain"
    return f"Project {team_id}" if team_id > 0 else f"Organization {-team_id}"
