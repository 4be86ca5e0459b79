"""`recount settings`."""

import rich_click as click


@click.command()
@click.option("--markdown", is_flag=True, help="As the page docs/settings.md.")
def settings(markdown: bool) -> None:
    """Every setting there is: its variables, its type, its default, and what it means.

    What they are set to is not shown: some are secrets.
    """
    # Here and not above: the services take a second to import.
    from services.embedded import settings_list

    if markdown:
        click.echo(settings_list.markdown(), nl=False)
    else:
        for line in settings_list.plain():
            click.echo(line)
