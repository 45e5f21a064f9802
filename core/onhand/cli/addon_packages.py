"""`onhand addon install | upgrade | uninstall`: what a package brings to the site, and takes away again. Plan first."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime

import click
from sqlalchemy.orm import Session

from onhand.addons import Addons
from onhand.cli.asking import operator
from onhand.cli.exits import REFUSED
from onhand.cli.output import as_json_option, show
from onhand.cli.site import owner_url, site
from onhand.enablement import Change
from onhand.entities import entity_codes

__all__ = ["install", "uninstall", "upgrade"]

TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""

yes_option = click.option("--yes", is_flag=True, help="Carry the plan out; without it nothing is changed.")


@dataclass(slots=True)
class PackagePlan:
    """What would be done, in the order in which it is, and why not, if it is refused."""

    verb: str
    addon: str
    migrations: list[str] = field(default_factory=list)
    brings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    disables: list[str] = field(default_factory=list)
    drops: str = ""
    then: str = ""
    refusals: list[str] = field(default_factory=list)


@click.command()
@click.argument("noun")
@yes_option
@as_json_option
def install(noun: str, yes: bool, as_json: bool) -> None:
    """Make the tables of an add-on whose package is installed, and of what it requires. It is on for nobody yet."""
    _bring_up("install", noun, yes, as_json)


@click.command()
@click.argument("noun")
@yes_option
@as_json_option
def upgrade(noun: str, yes: bool, as_json: bool) -> None:
    """Bring the tables of an add-on to what the installed version of its package expects, whole or not at all."""
    _bring_up("upgrade", noun, yes, as_json)


@click.command()
@click.argument("noun")
@click.option(
    "--drop-data",
    metavar="NOUN",
    help="Drop its tables too, with all they hold. Named again, lest it is the wrong one.",
)
@yes_option
@as_json_option
def uninstall(noun: str, drop_data: str | None, yes: bool, as_json: bool) -> None:
    """Switch an add-on off for every entity, so that its package can go. Its data is kept, unless it is to be dropped.

    Refused while work is open, or others build on it. Works for an add-on whose package is gone or broken already.
    """
    from onhand.enablement import change
    from onhand.transaction import every_entity, run

    if drop_data not in {None, noun}:
        raise click.UsageError(f"--drop-data names what is dropped, and that is not what is uninstalled: {drop_data}")
    with site() as app:
        addons: Addons = app.extensions["onhand"]
        plan, wishes = run(
            lambda session, now: _uninstalling(session, noun, drops=drop_data is not None, now=now),
            entities=every_entity(),
        )
        if yes and not plan.refusals:
            run(lambda session, now: len(change(session, wishes, by=operator(), now=now)), entities=every_entity())
            if drop_data:
                _drop(addons, noun)
    _tell(plan, is_done=yes, as_json=as_json)


def _bring_up(verb: str, noun: str, yes: bool, as_json: bool) -> None:
    from onhand.addons.registry import load
    from onhand.app import surveyed
    from onhand.config import Settings
    from onhand.contract import among
    from onhand.enablement import switches_of
    from onhand.migrate import upgrade as migrate

    addons = load(surveyed(Settings.from_environment()))
    plan = PackagePlan(verb, noun, then=f"onhand addon enable {noun} --entity …" if verb == "install" else "restart")
    if noun not in addons.names:
        faults = [str(fault) for fault in addons.faults if fault.noun == noun]
        plan.refusals = faults or [
            f"there is no add-on {noun!r}: install its package; there are {', '.join(addons.names)}"
        ]
    else:
        wanted = among(noun, [addons.addon(name) for name in addons.names])
        plan.brings = switches_of(addons, noun)
        with owner_url() as url:
            steps = migrate(url, wanted, dry_run=True)
            plan.migrations = [f"{step.noun}: from {step.at or 'nothing'} to {step.to}" for step in steps]
            if yes:
                migrate(url, wanted)
    _tell(plan, is_done=yes, as_json=as_json)


def _uninstalling(session: Session, noun: str, *, drops: bool, now: datetime) -> tuple[PackagePlan, list[Change]]:
    from onhand.addons.timeline import enablements
    from onhand.db import cursor
    from onhand.enablement import plan_change
    from onhand.transaction import context

    addons = context(session).addons
    distribution = addons.addon(noun).distribution if noun in addons.names else f"onhand-{noun}"
    plan = PackagePlan("uninstall", noun, then=f"pip uninstall {distribution}, and restart")
    [tables] = cursor(session).execute(TABLES, (noun,)).fetchone() or (0,)
    rows = [row for row in enablements(session) if row[1] == noun]
    if noun not in addons.names and not rows and not tables:
        plan.refusals.append(f"there is no add-on {noun!r}; installed: {', '.join(addons.names)}")
    wishes: list[Change] = []
    for entity_id, code in entity_codes(session).items():
        own = [row for row in rows if row[0] == entity_id]
        current = [row[2] for row in own if row[3] <= now][-1:]
        if current and current != ["disabled"]:
            wish = Change(entity_id, noun, "disabled")
            plan.refusals += [f"{code}: {why}" for why in plan_change(session, wish, now=now).refusals]
            plan.disables.append(code)
            wishes.append(wish)
        wishes += [Change(entity_id, noun, "disabled", row[3]) for row in own if row[3] > now and row[2] != "disabled"]
    if drops:
        plan.then = f"pip uninstall {distribution} at once, lest the next command makes its tables again; restart"
        plan.drops = f"the schema {noun}, its {tables} tables and all they hold"
        others = [
            name
            for name in _dependants(addons, noun)
            if (cursor(session).execute(TABLES, (name,)).fetchone() or (0,))[0]
        ]
        plan.refusals += [
            f"{other} builds on it and has tables: uninstall that first, --drop-data {other}" for other in others
        ]
    return plan, wishes


def _dependants(addons: Addons, noun: str) -> list[str]:
    reached = [noun]
    for name in addons.names:  # requirements come first, so one pass suffices
        if {*reached} & {*addons.addon(name).requires}:
            reached.append(name)
    return reached[1:]


def _drop(addons: Addons, noun: str) -> None:
    from onhand.migrate import downgrade, drop

    with owner_url() as url:
        if noun in addons.names:
            downgrade(url, [addons.addon(name) for name in addons.names], noun)
        else:
            drop(url, noun)


def _tell(plan: PackagePlan, *, is_done: bool, as_json: bool) -> None:
    if as_json:
        show([asdict(plan) | {"done": is_done and not plan.refusals}], as_json=True)
    else:
        for line in _lines(plan, is_done=is_done):
            click.echo(line)
    if plan.refusals:
        raise SystemExit(REFUSED)


def _lines(plan: PackagePlan, *, is_done: bool) -> Iterator[str]:
    yield f"{plan.verb} {plan.addon}" + (" — refused" if plan.refusals else "")
    yield from (f"  because {reason}" for reason in plan.refusals)
    yield from (f"  migrates {step}" for step in plan.migrations)
    if plan.verb != "uninstall" and not plan.migrations and not plan.refusals:
        yield "  migrates nothing: its tables are not older than its code"
    yield from (f"  brings {hook.replace('_', ' ')}: {', '.join(names)}" for hook, names in plan.brings.items())
    if plan.disables:
        yield f"  switches it off for {', '.join(plan.disables)}"
    if plan.verb == "uninstall":
        yield f"  drops {plan.drops}" if plan.drops else "  keeps its data"
    if not plan.refusals:
        yield f"done; then: {plan.then}" if is_done else "nothing was changed: add --yes to carry it out"
