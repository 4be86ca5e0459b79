"""The `recount` command."""

import sys

import rich_click as click

from services.common.postgres.migrate import NewerTables
from services.common.process import TABLES_ARE_NEWER
from services.common.settings import InvalidSettings
from services.embedded.commands.audit import audit
from services.embedded.commands.backup import backup, restore
from services.embedded.commands.buckets import buckets
from services.embedded.commands.deployment_secrets import secrets
from services.embedded.commands.erase import erase
from services.embedded.commands.follow import follow
from services.embedded.commands.history import history
from services.embedded.commands.import_events import INTERRUPTED, import_events
from services.embedded.commands.installation import installation
from services.embedded.commands.keys import keys
from services.embedded.commands.log import log
from services.embedded.commands.log_key import log_key
from services.embedded.commands.members import members
from services.embedded.commands.migrate import migrate
from services.embedded.commands.projects import projects
from services.embedded.commands.rebuild import rebuild
from services.embedded.commands.release import release
from services.embedded.commands.serve import serve
from services.embedded.commands.settings import settings
from services.embedded.commands.setup import setup
from services.embedded.commands.stream import stream
from services.embedded.commands.unpark import unpark
from services.embedded.commands.verify import verify
from services.embedded.importing.run import ImportInterrupted
from services.embedded.refusal import CannotStart


def main() -> None:
    """The `recount` script: refusals become one sentence and exit code 1."""
    try:
        recount(prog_name="recount")
    except (CannotStart, InvalidSettings) as refused:
        click.echo(f"recount: {refused}", err=True)
        sys.exit(1)
    except NewerTables as refused:
        click.echo(f"recount: {refused}", err=True)
        sys.exit(TABLES_ARE_NEWER)
    except ImportInterrupted as stopped:
        click.echo(f"recount: {stopped}", err=True)
        sys.exit(INTERRUPTED)
    except OSError as failed:
        if failed.filename is None:
            raise
        # A full disk, somebody else's folder: what is wrong is on this machine, and its name helps.
        click.echo(f"recount: {failed.filename}: {failed.strerror}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="recount")
def recount() -> None:
    """PostHog's Insights API on an event-sourced core."""


for command in (
    *(
        serve,
        audit,
        backup,
        buckets,
        erase,
        follow,
        history,
        import_events,
        installation,
        keys,
        log,
        log_key,
        members,
        migrate,
    ),
    *(projects, rebuild, release, restore, secrets, settings, setup, stream, unpark, verify),
):
    recount.add_command(command)
