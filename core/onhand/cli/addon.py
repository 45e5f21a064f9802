"""`onhand addon`: what is installed, and for which entities it is switched on."""

from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from onhand.cli.addon_check import check
from onhand.cli.addon_explain import explain
from onhand.cli.addon_new import new
from onhand.cli.addon_packages import install, uninstall, upgrade
from onhand.cli.addon_update import update
from onhand.cli.asking import at_option, entity_ids, entity_option, operator
from onhand.cli.exits import REFUSED, Refused
from onhand.cli.output import as_json_option, show
from onhand.cli.plans import show_plans
from onhand.cli.site import site
from onhand.enablement import Change, Plan
from onhand.entities import entity_codes

__all__ = ["addon"]

STATES = click.Choice(["enabled", "draining", "disabled"])


@click.group()
def addon() -> None:
    """Add-ons: list, plan, enable, drain, disable, suspend; install and uninstall; explain, check and begin them."""


addon.add_command(check)
addon.add_command(explain)
addon.add_command(new)
addon.add_command(update)
addon.add_command(install)
addon.add_command(upgrade)
addon.add_command(uninstall)


@addon.command("list")
@as_json_option
def list_addons(as_json: bool) -> None:
    """List installed add-ons in dependency order, their state for each entity, what is scheduled, and what does not run."""
    from onhand.addons.timeline import enablements
    from onhand.running import not_running
    from onhand.transaction import context, run

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        addons, codes = context(session).addons, entity_codes(session)
        faults = {fault.noun: f"{fault.reason}: {fault.advice}" for fault in not_running(session, now)}
        coming = [row for row in enablements(session) if row[3] > now]
        return [
            {"addon": noun, "version": addons.addon(noun).version, "needs": list(addons.addon(noun).requires)}
            | {code: addons.state(entity_id, noun, now) for entity_id, code in codes.items()}
            | {
                "scheduled": [
                    f"{codes[row[0]]}: {row[2]} from {row[3]:%Y-%m-%d %H:%M}Z" for row in coming if row[1] == noun
                ]
            }
            | {"fault": faults.pop(noun, "")}
            for noun in addons.names
        ] + [
            {"addon": noun, "version": "", "needs": []}
            | dict.fromkeys(codes.values(), "not running")
            | {"scheduled": [], "fault": fault}
            for noun, fault in faults.items()
        ]

    with site():
        rows = run(command, entities=())
    show(rows, as_json=as_json, none="no add-ons are installed")


@addon.command()
@click.argument("nouns", nargs=-1, required=True)
@entity_option(many=True, help="May be repeated.")
@click.option("--state", type=STATES, default="enabled", show_default=True)
@at_option
@as_json_option
def plan(
    nouns: tuple[str, ...], entities: tuple[str, ...], state: Any, effective_from: datetime, as_json: bool
) -> None:
    """Show what a change would switch, what it needs, and what speaks against it. Changes nothing."""
    from onhand.enablement import plan_change
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> tuple[list[Plan], dict[int, str]]:
        wishes = _wishes(session, nouns, entities, state, effective_from)
        return [plan_change(session, wish, now=now) for wish in wishes], entity_codes(session)

    with site():
        plans, codes = run(command, entities=every_entity())
    show_plans(plans, codes, as_json=as_json, is_done=False)
    if any(found.refusals for found in plans):
        raise SystemExit(REFUSED)


@addon.command()
@click.argument("nouns", nargs=-1, required=True)
@entity_option(many=True, help="May be repeated.")
@click.option("--with-requirements", is_flag=True, help="Enable first what they need.")
@at_option
@as_json_option
def enable(
    nouns: tuple[str, ...], entities: tuple[str, ...], with_requirements: bool, effective_from: datetime, as_json: bool
) -> None:
    """Switch add-ons on for entities, in the order given."""
    _change(nouns, entities, "enabled", effective_from, as_json, with_requirements)


@addon.command()
@click.argument("nouns", nargs=-1, required=True)
@entity_option(many=True, help="May be repeated.")
@at_option
@as_json_option
def drain(nouns: tuple[str, ...], entities: tuple[str, ...], effective_from: datetime, as_json: bool) -> None:
    """Take no new work for these entities; what is open runs out."""
    _change(nouns, entities, "draining", effective_from, as_json)


@addon.command()
@click.argument("nouns", nargs=-1, required=True)
@entity_option(many=True, help="May be repeated.")
@at_option
@as_json_option
def disable(nouns: tuple[str, ...], entities: tuple[str, ...], effective_from: datetime, as_json: bool) -> None:
    """Switch add-ons off for entities. Refused while work is open; data is kept."""
    _change(nouns, entities, "disabled", effective_from, as_json)


@addon.command("suspend")
@click.argument("noun")
@click.option("--reason", required=True, help="Kept in the audit trail, and told to administrators.")
def suspend_addon(noun: str, reason: str) -> None:
    """Switch an add-on that does harm off for every entity at once, whatever is open. Its data and its jobs are kept."""
    from onhand.addons.suspension import suspend
    from onhand.transaction import context, run

    def command(session: Session, now: datetime) -> list[str]:
        addons = context(session).addons
        if noun not in {*addons.names, *(fault.noun for fault in addons.faults)}:
            raise Refused(f"there is no add-on {noun!r}; installed: {', '.join(addons.names)}")
        return suspend(session, [noun], by=operator(), reason=reason, now=now)

    with site():
        fresh = run(command, entities=())
    click.echo(f"{noun} is off everywhere" if fresh else f"{noun} was off everywhere already")


@addon.command("resume")
@click.argument("noun")
def resume_addon(noun: str) -> None:
    """Let a suspended add-on run again where it is enabled. It is told so there, and does the jobs that waited."""
    from onhand.addons.suspension import resume
    from onhand.transaction import every_entity, run

    with site():
        run(lambda session, now: resume(session, noun, by=operator(), now=now), entities=every_entity())
    click.echo(f"{noun} runs again where it is enabled")


def _change(
    nouns: tuple[str, ...],
    entities: tuple[str, ...],
    state: Any,
    effective_from: datetime | None,
    as_json: bool,
    with_requirements: bool = False,
) -> None:
    from onhand import audit
    from onhand.enablement import ChangeRefused, change
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> tuple[list[Plan], dict[int, str]]:
        wanted = _with_requirements(session, nouns) if with_requirements else nouns
        plans = change(session, _wishes(session, wanted, entities, state, effective_from), by=operator(), now=now)
        for found in plans:
            audit.record(
                session,
                operator(),
                f"addon.{found.change.state}",
                f"addon:{found.change.addon}",
                entity_id=found.change.entity_id,
            )
        return plans, entity_codes(session)

    with site():
        try:
            plans, codes = run(command, entities=every_entity())
        except ChangeRefused as refused:
            lines = [reason for found in refused.plans for reason in found.refusals]
            if refused.plans[-1].needs:
                lines.append("To enable what is needed too, add --with-requirements")
            raise Refused("\n".join(lines)) from refused
    show_plans(plans, codes, as_json=as_json, is_done=True)


def _wishes(
    session: Session, nouns: tuple[str, ...], entities: tuple[str, ...], state: Any, at: datetime | None
) -> list[Change]:
    return [Change(entity_id, noun, state, at) for entity_id in entity_ids(session, entities) for noun in nouns]


def _with_requirements(session: Session, nouns: tuple[str, ...]) -> tuple[str, ...]:
    """Return add-ons with all they need, each after its needs: the order of the graph."""
    from onhand.transaction import context

    addons = context(session).addons
    wanted: set[str] = set()
    waiting = [noun for noun in nouns if noun in addons.names]
    while waiting:
        noun = waiting.pop()
        if noun not in wanted:
            wanted.add(noun)
            waiting += addons.addon(noun).requires
    unknown = tuple(noun for noun in nouns if noun not in addons.names)
    return (*(noun for noun in addons.names if noun in wanted), *unknown)
