"""`onhand channel`: what channels there are, what each still lacks, and the steps of their lives."""

import json
from datetime import datetime
from typing import Any

import click
import msgspec
from onhand.cli.asking import entity_ids, entity_option, operator
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, done, show
from onhand.transaction import every_entity, run
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.services import channels_by_code, channels_of, checklist, entity_codes, judge, request_steps
from onhand_channels.states import STATES, TRANSITIONS
from onhand_channels.values import Advance, Advanced, Check, Stayed, Waits

__all__ = ["channel"]


@click.group()
def channel() -> None:
    """Channels: list, show, advance."""


@channel.command("list")
@entity_option(required=False, help="One entity; without, all.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@as_json_option
def list_channels(entity: str | None, state: str | None, as_json: bool) -> None:
    """List channels with their states and what they told today."""

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        codes = entity_codes(session)
        wanted = entity_ids(session, [entity]) if entity else list(codes)
        refs = [ref for ref in channels_of(session, wanted) if state in (None, ref.state)]
        figures = queries.figures(session, refs, now)
        return [
            {
                "code": ref.code,
                "name": ref.name,
                "kind": ref.kind,
                "entity": codes[ref.entity_id],
                "state": ref.state,
                "events_today": figures[ref.id].events,
                "parked": figures[ref.id].parked,
                "conflicts": figures[ref.id].conflicts,
            }
            for ref in refs
        ]

    show(run(command, entities=every_entity()), as_json=as_json, none="there is no channel")


@channel.command("show")
@click.argument("code")
@as_json_option
def show_channel(code: str, as_json: bool) -> None:
    """Show one channel: its state, the steps it may take, its checklist and its history."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        found = channels_by_code(session, [code])
        if not found:
            raise Refused(f"there is no channel {code!r}")
        [ref] = found
        places = queries.location_codes(session, [ref])
        return {
            "code": ref.code,
            "name": ref.name,
            "kind": ref.kind,
            "entity": entity_codes(session)[ref.entity_id],
            "locations": [places[location_id] for location_id in ref.location_ids],
            "state": ref.state,
            "next": list(TRANSITIONS[ref.state]),
            "checklist": [_check(one) for one in checklist(session, [ref], now=now)[ref.id]],
            "steps": [msgspec.to_builtins(step) for step in queries.steps(session, ref)],
        }

    told = run(command, entities=every_entity())
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{told['code']} ({told['name']}): {told['state']}; may become {', '.join(told['next']) or 'nothing else'}"
    )
    for one in told["checklist"]:
        click.echo(f"  [{'x' if one['is_fulfilled'] else ' '}] {one['title']}: {one['detail']} {one['mend']}".rstrip())


@channel.command("advance")
@click.argument("code")
@click.argument("to", type=click.Choice(STATES))
@click.option("--reason", default="", help="Why; steps back, suspending and retiring need one.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and leave it.")
@as_json_option
def advance_channel(code: str, to: str, reason: str, dry_run: bool, as_json: bool) -> None:
    """Let a channel take a step. Exits 1 where it stays, and says why."""
    wish = Advance(code, to, reason)

    def command(session: Session, now: datetime) -> Advanced | Waits | Stayed:
        if dry_run:
            return judge(session, [wish], now=now)[0]
        return request_steps(session, [wish], by=operator(), now=now)[0]

    answer = run(command, entities=every_entity())
    if isinstance(answer, Stayed):
        document = {
            "code": code, "state": answer.state, "moved": False, "reason": answer.reason, "detail": answer.detail,
            "unmet": [_check(one) for one in answer.unmet],
        }  # fmt: skip
        if as_json:
            click.echo(json.dumps(document))
        raise Refused("\n".join([answer.detail, *(f"  {one.title}: {one.detail}. {one.mend}" for one in answer.unmet)]))
    if isinstance(answer, Waits):
        document = {"code": code, "state": answer.came_from, "moved": False, "approval": answer.approval}
        done(document, f"{code} stays {answer.came_from}: {to} waits for {', '.join(answer.roles)}", as_json=as_json)
        return
    document = {"code": code, "from": answer.came_from, "state": to, "moved": not dry_run}
    done(document, f"{code} {'would become' if dry_run else 'is'} {to}, from {answer.came_from}", as_json=as_json)


def _check(check: Check) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(check)
    return found
