"""`recount follow`."""

import sys
from pathlib import Path

import rich_click as click

from contracts.cursors import NOW, MalformedCursor, parse_cursor
from services.embedded import datadir
from services.embedded.commands import shared_options
from services.embedded.following import ChainDoesNotHold, Followed, followed
from services.embedded.refusal import CannotStart

DOES_NOT_HOLD = 4


@click.command()
@click.option("--project", default="@current", show_default=True, help="Its number.")
@click.option(
    "--after", default=NOW, show_default=True, metavar="CURSOR", help="0: from the first fact on."
)
@click.option("--types", default="", help="Only these: insight.*,sharing.enabled.v1. [all]")
@click.option(
    "--cursor-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keeps how far it came; where it is there, its cursor goes before --after.",
)
@click.option("--url", help="Another server, such as https://recount.example.")
@click.option("--key", envvar="KEY", show_envvar=True, help="An administrator's API key.")
@shared_options.data_dir
def follow(
    project: str,
    after: str,
    types: str,
    cursor_file: Path | None,
    url: str | None,
    key: str | None,
    data_dir: Path,
) -> None:
    """Print a project's facts as they happen, a CloudEvent a line, until Ctrl-C.

    Lost connections are taken up again, and nothing is missed. Every event is checked: exit code 4
    when one is not what was recorded, or does not follow the one before it.
    """
    if after != NOW:
        try:
            parse_cursor(after)
        except MalformedCursor as cause:
            raise click.BadParameter(str(cause), param_hint="--after") from cause
    if not key:
        raise click.UsageError("Say which key: --key, or KEY in the environment.")
    wanted = Followed((url or _ours(data_dir)).rstrip("/"), key, project, types)
    try:
        for event in followed(wanted, after, cursor_file):
            sys.stdout.buffer.write(event + b"\n")
            sys.stdout.buffer.flush()
    except ChainDoesNotHold as broken:
        click.echo(f"recount: the history does not hold: {broken}", err=True)
        sys.exit(DOES_NOT_HOLD)
    except (KeyboardInterrupt, BrokenPipeError):
        pass


def _ours(data: Path) -> str:
    running = datadir.find(data)
    if running is None:
        raise CannotStart(f"Nothing serves {data}: start `recount serve`, or name a --url.")
    return running.url
