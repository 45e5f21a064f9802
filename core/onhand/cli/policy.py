"""`onhand policy`: business rules, per scope and from a date on. What changes them is in `policy_changes`."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from onhand.cli.asking import Moment
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site

__all__ = ["facts_of", "policy", "where_options"]

F = TypeVar("F", bound=Callable[..., Any])
PARTS = ("item", "category", "location", "channel", "entity")


@click.group()
def policy() -> None:
    """Policies: what is in force and why, its history, and changing it."""


def where_options(command: F) -> F:
    """Add the options that narrow a policy's place, each by its code."""
    for part in PARTS:
        said = "One entity; without, the group." if part == "entity" else f"One {part}."
        command = click.option(f"--{part}", metavar="CODE", help=said)(command)
    return command


def facts_of(given: tuple[str, ...]) -> dict[str, Any] | None:
    """Read `name=value` as facts that conditions may ask about: JSON where it reads so, else text."""
    import json

    facts: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise click.BadParameter(f"{one!r} is not NAME=VALUE", param_hint="--fact")
        try:
            facts[name] = json.loads(text)
        except ValueError:
            facts[name] = text
    return facts or None


@policy.command("list")
@as_json_option
def list_policies(as_json: bool) -> None:
    """List the policies that the installed add-ons read."""
    from onhand.transaction import context, run

    def command(session: Session, _: datetime) -> list[dict[str, Any]]:
        return [
            {
                "name": kind.name,
                "type": kind.type.__name__,
                "unit": kind.unit,
                "default": kind.default,
                "per": list(kind.scopes),
                "about": kind.help,
            }
            for kind in context(session).addons.policy_types.values()
        ]

    with site():
        rows = run(command, entities=())
    show(rows, as_json=as_json, none="no add-on reads any policy")


@policy.command("show")
@click.argument("name")
@as_json_option
def show_policy(name: str, as_json: bool) -> None:
    """Tell what a policy is, and what is set where: in force and to come."""
    from onhand.policies.chronicle import chronicle
    from onhand.policies.services import policy_type
    from onhand.policies.values import shown, wanted
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> dict[str, Any]:
        kind = policy_type(session, name)
        entries = [one for one in chronicle(session, name, now=now) if one.state in ("in force", "scheduled")]
        return {
            "name": kind.name,
            "label": kind.label,
            "help": kind.help,
            "takes": wanted(kind),
            "unit": kind.unit,
            "default": kind.default,
            "per": list(kind.scopes),
            "choices": list(kind.choices),
            "variables": [{"name": one.name, "type": one.type.__name__, "help": one.help} for one in kind.variables],
            "default_shown": shown(kind, kind.default),
            "set": [
                {
                    "version": one.id,
                    "place": one.place,
                    "value": one.value,
                    "condition": one.condition,
                    "effective_from": one.effective_from,
                    "state": one.state,
                    "by": one.by,
                }
                for one in entries
            ],
        }

    with site():
        found = run(command, entities=every_entity())
    if as_json:
        done(found, "", as_json=True)
        return
    click.echo(f"{found['name']}: {found['label']}. {found['help']}")
    click.echo(f"takes {found['takes']}; default {found['default_shown']}; may be set per {', '.join(found['per'])}")
    show(found["set"], as_json=False, none="nobody has set it: the default holds everywhere")


@policy.command()
@click.argument("name")
@where_options
@as_json_option
def get(name: str, as_json: bool, **codes: str | None) -> None:
    """Print the value in force at a place now; `onhand policy why` tells what decided it."""
    from onhand.policies.places import where_of
    from onhand.policies.services import resolve
    from onhand.transaction import every_entity, run

    with site():
        value = run(
            lambda session, now: resolve(session, name, where_of(session, codes, name), at=now),
            entities=every_entity(),
        )
    done({"name": name, "value": value}, str(value), as_json=as_json)


@policy.command("why")
@click.argument("name")
@where_options
@click.option("--at", type=Moment(), help="As it was, or will be, then: 2027-01-01T00:00:00+01:00. Now unless said.")
@click.option("--fact", "given", multiple=True, metavar="NAME=VALUE", help="What a condition may ask about.")
@as_json_option
def explain(name: str, at: datetime | None, given: tuple[str, ...], as_json: bool, **codes: str | None) -> None:
    """Tell the value in force at a place, the version that decided it, and what that overrode."""
    from onhand.policies.documents import why_document
    from onhand.policies.explaining import Why, why
    from onhand.policies.places import where_of
    from onhand.transaction import every_entity, run

    facts = facts_of(given)

    def command(session: Session, now: datetime) -> Why:
        return why(session, name, where_of(session, codes, name), at=at or now, facts=facts)

    with site():
        found = run(command, entities=every_entity())
    if as_json:
        done(why_document(found), "", as_json=True)
        return
    click.echo(f"{name} is {found.value}{f' {found.kind.unit}' if found.kind.unit else ''} at {found.place}")
    rows = [("decided", found.decided), *(("overridden", step) for step in found.overridden)]
    rows += [("condition does not hold", step) for step in found.passed_over]
    show([_row(part, asdict(step)) for part, step in rows], as_json=False)


@policy.command("history")
@click.argument("name")
@as_json_option
def tell_history(name: str, as_json: bool) -> None:
    """List every version of a policy, newest effect first: what it changed, who set it, what became of it."""
    from onhand.policies.chronicle import chronicle
    from onhand.transaction import every_entity, run

    with site():
        entries = run(lambda session, now: chronicle(session, name, now=now), entities=every_entity())
    rows = [
        {
            "version": one.id,
            "place": one.place,
            "before": one.before,
            "value": one.said,
            "condition": one.condition,
            "effective_from": one.effective_from,
            "recorded_at": one.recorded_at,
            "by": one.by,
            "state": one.state,
            "reason": one.reason,
        }
        for one in entries
    ]
    show(rows, as_json=as_json, none="nobody has set it")


def _row(part: str, step: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("value", "place", "version", "effective_from", "by", "condition")
    return {"": part, **{name: step[name] for name in shown}}


from onhand.cli import policy_changes  # noqa: E402 - its commands belong to the group above

assert policy_changes  # noqa: S101 - imported for its commands
