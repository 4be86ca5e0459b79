"""`recount serve`."""

import sys
from pathlib import Path

import rich_click as click
from click.core import ParameterSource

from services.embedded.commands import shared_options


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on.",
)
@shared_options.data_dir
@click.option("--no-demo", is_flag=True, help="First start: leave the demo data set out.")
@click.pass_context
def serve(context: click.Context, host: str, port: int, data_dir: Path, no_demo: bool) -> None:
    """Start everything and serve until Ctrl-C or SIGTERM.

    The first start makes an organization, a user, project 1 and a personal API key, imports a small
    demo data set, and prints what to try.

    Servers of your own instead of the embedded ones: RECOUNT_EMBEDDED_POSTGRES_URL,
    RECOUNT_EMBEDDED_NATS_URL, RECOUNT_EMBEDDED_CLICKHOUSE_URL, for the other commands, too (bus
    consumers on a NATS of your own: RECOUNT_EMBEDDED_NATS_ISSUER and …_NATS_SYSTEM_USER). Budgets
    of each key and project, such as "240/m 1200/h": RECOUNT_EMBEDDED_INSIGHTS_BUDGET,
    RECOUNT_EMBEDDED_OTHERS_BUDGET. Proxies before the server, whose X-Forwarded-Proto and
    X-Forwarded-Host links are made of: RECOUNT_EMBEDDED_TRUSTED_PROXIES, such as "10.0.0.0/8".
    Networks that webhooks may go to besides public addresses, by http too:
    RECOUNT_EMBEDDED_WEBHOOKS_ALLOW, such as "10.1.0.0/16"; RECOUNT_EMBEDDED_WEBHOOKS=false sends
    none.
    """
    # Here and not above: the services and chDB take a second to import, other commands none.
    from services.embedded.serving import ServeOptions, serve_until_stopped

    named = context.get_parameter_source("data_dir") is not ParameterSource.DEFAULT
    wanted = ServeOptions(
        host=host, port=port, data_dir=data_dir if named else None, demo=not no_demo
    )
    sys.exit(serve_until_stopped(wanted, shared_options.settings()))
