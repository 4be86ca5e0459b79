"""`recount verify`."""

import asyncio
import sys
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import Progress as Bar

from services.common.log.verify import HeadMoved, HistoryBroken, Verification, VerifyProgress
from services.common.log.verify import verify as verify_log
from services.embedded import folder_database
from services.embedded.commands import shared_options


class ProjectChain(msgspec.Struct, frozen=True):
    """The end of a project's chain: entries so far, and the last one's hash in hexadecimal."""

    entries: int
    hash: str


class VerifyOutput(msgspec.Struct, frozen=True):
    """The outcome as scripts get it."""

    entries: int
    projects: dict[int, ProjectChain]


@click.command()
@shared_options.data_dir
@shared_options.as_json
def verify(data_dir: Path, as_json: bool) -> None:
    """Prove that the log is whole and unchanged, from its first entry on.

    Beside a running server, too. Prints each project's last hash: kept elsewhere, it proves later
    that nothing before it was changed. Otherwise exit code 1, and the first entry that does not
    hold.
    """
    try:
        with folder_database.database(data_dir, shared_options.settings()) as url:
            verified = asyncio.run(_verify(url))
    except (HistoryBroken, HeadMoved) as broken:
        click.echo(f"recount: the history does not hold: {broken}", err=True)
        sys.exit(1)
    shown = VerifyOutput(
        verified.entries,
        {
            team_id: ProjectChain(link.team_seq, link.hash.hex())
            for team_id, link in sorted(verified.links.items())
        },
    )
    if as_json:
        shared_options.print_json(shown)
        return
    click.echo(f"{shown.entries:,} entries, whole and unchanged.")
    for team_id, project in shown.projects.items():
        click.echo(f"{_chain(team_id)}: {project.entries:,} entries, last hash {project.hash}")


async def _verify(url: str) -> Verification:
    verified: Verification | None = None
    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("entries")
        # To the end, and not only to the outcome: leaving earlier would leave its connection open.
        async for report in verify_log(url):
            match report:
                case VerifyProgress(checked=checked, total=total):
                    bar.update(task, completed=checked, total=total)
                case Verification():
                    verified = report
    if verified is None:
        raise AssertionError("verification ends with its outcome")
    return verified


def _chain(team_id: int) -> str:
    """Below zero stand the organizations' own."""
    return f"Project {team_id}" if team_id > 0 else f"Organization {-team_id}"
