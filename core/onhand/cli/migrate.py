"""`onhand migrate`: bring the database up to what is installed."""

import click

from onhand.cli.output import as_json_option, console, show
from onhand.cli.site import installed, owner_url

__all__ = ["migrate"]


@click.command()
@click.option("--plan", "dry_run", is_flag=True, help="Show the steps, take none.")
@click.option("--down", metavar="NOUN", help="Drop an add-on's tables, with all they hold.")
@click.option("--with-dependants", is_flag=True, help="With --down: drop those that build on it first.")
@as_json_option
def migrate(dry_run: bool, down: str | None, with_dependants: bool, as_json: bool) -> None:
    """Bring the core and every installed add-on to its newest tables, requirements first.

    Logs in by ONHAND_OWNER_DATABASE_URL. Safe to run on several hosts at once: one does it, the others wait.
    """
    from onhand.config import Settings
    from onhand.migrate import downgrade, upgrade

    if down and dry_run:
        raise click.UsageError("--plan shows the way up; it does not go with --down")
    addons = installed(Settings.from_environment())
    with owner_url() as url, console.status("migrating"):
        if down:
            steps = downgrade(url, addons, down, with_dependants=with_dependants)
        else:
            steps = upgrade(url, addons, dry_run=dry_run)
    rows = [{"distribution": step.noun, "from": step.at, "to": step.to} for step in steps]
    show(rows, as_json=as_json, none="nothing to do: no table is older than its code")
