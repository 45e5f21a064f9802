"""`onhand quality` and `onhand change`: scores, rules and change requests at the command line."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from onhand.cli.asking import Moment, at_option, entity_ids, entity_option, operator
from onhand.cli.output import as_json_option, done, show
from onhand.cli.site import site
from onhand.entities import entity_codes
from sqlalchemy.orm import Session

from onhand_master_data.commands import carry_out
from onhand_master_data.requests import REQUEST_ORDER, STATUSES, requests_listed
from onhand_master_data.services import (
    Distinct,
    NewSetting,
    Setting,
    Terms,
    add_rules,
    known_rules,
    latest_scores,
    measure,
    merge_items,
    preview_merge,
    retire_rules,
    settings,
    tell_apart,
    withdraw_requests,
)
from onhand_master_data.values import ItemMerge

__all__ = ["change", "quality"]

REQUESTS_SHOWN_MAX = 200
PLACED = ("id", "entity", "category", "parameter", "blocks", "effective_from")


@click.group()
def quality() -> None:
    """Data quality: scores, and the rules that items are held to."""


@quality.command()
@as_json_option
def scores(as_json: bool) -> None:
    """List the score of each entity, as measured last."""
    from onhand.transaction import every_entity, run

    def command(session: Session, _: datetime) -> list[dict[str, Any]]:
        return [
            _scored(code, one)
            for entity, code in entity_codes(session).items()
            for one in latest_scores(session, entity, 1)
        ]

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json, none="nothing is measured yet")


@quality.command("measure")
@entity_option(help="The entity to measure.")
@click.option("--dry-run", is_flag=True, help="Measure, and keep nothing.")
@as_json_option
def measure_now(entity: str, dry_run: bool, as_json: bool) -> None:
    """Judge every item that an entity stocks, now."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        [entity_id] = entity_ids(session, [entity])
        return _scored(entity, measure(session, entity_id, now=now))

    document = carry_out(command, dry_run=dry_run)
    said = (
        f"{entity}: {document['score']} of 100, {document['with_findings']} of {document['items']} items have findings"
    )
    done(document | {"dry_run": dry_run}, said, as_json=as_json)


@quality.command()
@as_json_option
def rules(as_json: bool) -> None:
    """List the rules that there are, and where they hold."""
    from onhand.transaction import every_entity, run

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        codes, held = entity_codes(session), settings(session, now=now)
        rows: list[dict[str, Any]] = []
        for rule in known_rules(session).values():
            places = [_placed(one, codes) for one in held if one.rule == rule.name] or [dict.fromkeys(PLACED)]
            rows += [{"rule": rule.name, "says": rule.label, **place} for place in places]
        return rows

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json)


@quality.command()
@click.argument("rule")
@entity_option(required=False, help="One entity; without, the whole group.")
@click.option("--category", help="The items of this category and those below it; without, all.")
@click.option("--parameter", default="", help="Which, where the rule takes it: EA|GRM, say.")
@click.option("--blocks", is_flag=True, help="Refuse what breaks it; otherwise it costs points.")
@at_option
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def hold(
    rule: str,
    entity: str | None,
    category: str | None,
    parameter: str,
    blocks: bool,
    effective_from: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Hold items to RULE."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        entity_id = entity_ids(session, [entity])[0] if entity else None
        wish = NewSetting(rule, parameter, category, entity_id, blocks, effective_from)
        [made] = add_rules(session, [wish], by=operator(), now=now)
        return {"id": made.id, "rule": rule, "effective_from": made.effective_from}

    document = carry_out(command, dry_run=dry_run)
    done(document | {"dry_run": dry_run}, f"{rule} {'would hold' if dry_run else 'holds'}", as_json=as_json)


@quality.command()
@click.argument("number", type=int)
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def retire(number: int, dry_run: bool, as_json: bool) -> None:
    """Hold items no longer to the rule with this NUMBER in the list."""
    carry_out(lambda session, now: retire_rules(session, [number], by=operator(), now=now), dry_run=dry_run)
    done({"id": number, "dry_run": dry_run}, "would be retired" if dry_run else "retired", as_json=as_json)


@click.group()
def change() -> None:
    """Change requests: list, merge, withdraw."""


@change.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@as_json_option
def list_requests(status: str | None, as_json: bool) -> None:
    """List change requests, the newest first."""
    from onhand.transaction import every_entity, run

    def command(session: Session, _: datetime) -> list[dict[str, Any]]:
        query = requests_listed(entity_codes(session), status).order_by(*REQUEST_ORDER).limit(REQUESTS_SHOWN_MAX)
        return [
            {
                "id": str(row.id), "status": row.status, "title": row.title, "waits_for": row.waiting_role,
                "effective_at": row.effective_at, "requester": row.requester_name, "requested_at": row.requested_at,
            }
            for row in session.execute(query)
        ]  # fmt: skip

    with site():
        rows = run(command, entities=every_entity())
    show(rows, as_json=as_json, none="no request is there")


@change.command()
@click.argument("request_id", type=click.UUID)
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def withdraw(request_id: UUID, dry_run: bool, as_json: bool) -> None:
    """Take REQUEST_ID back: one that waits for its day, or failed on it."""
    carry_out(lambda session, now: withdraw_requests(session, [request_id], by=operator(), now=now), dry_run=dry_run)
    said = "would be withdrawn" if dry_run else "withdrawn"
    done({"id": str(request_id), "dry_run": dry_run}, said, as_json=as_json)


@change.command()
@click.argument("sku")
@click.argument("survivor")
@click.option("--stock-survivor", is_flag=True, help="Let whoever stocks SKU stock SURVIVOR from then on.")
@click.option("--at", "effective_at", type=Moment(), help="The day of the change; without, at once.")
@click.option("--note", help="Why, for the record.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@as_json_option
def merge(
    sku: str,
    survivor: str,
    stock_survivor: bool,
    effective_at: datetime | None,
    note: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Merge the item SKU into SURVIVOR: its codes lead there from then on. Refused while anything of it is in stock or open."""
    merges = [ItemMerge(sku, survivor, stock_survivor)]

    def command(session: Session, now: datetime) -> dict[str, Any]:
        changes = preview_merge(session, merges, now=now)
        asked = merge_items(session, merges, terms=Terms(effective_at, note), by=operator(), now=now)
        [made] = asked.requests
        return {"id": str(made.id), "status": made.status, "changes": [asdict(one) for one in changes]}

    document = carry_out(command, dry_run=dry_run)
    lines = [f"  {one['label']}: {one['before'] or 'none'} → {one['after'] or 'none'}" for one in document["changes"]]
    said = f"{sku} {'would be' if dry_run else 'is'} merged into {survivor}: {document['status']}"
    done(document | {"dry_run": dry_run}, "\n".join([said, *lines]), as_json=as_json)


@quality.command()
@click.argument("sku")
@click.argument("other")
@click.option("--note", help="How one can tell, for the record.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@as_json_option
def distinct(sku: str, other: str, note: str | None, dry_run: bool, as_json: bool) -> None:
    """Remember that SKU is no duplicate of OTHER: the two are not proposed again."""
    pair = Distinct(sku, other, note)
    carry_out(lambda session, now: tell_apart(session, [pair], by=operator(), now=now), dry_run=dry_run)
    said = f"{sku} and {other} {'would be' if dry_run else 'are'} told apart"
    done({"sku": sku, "other": other, "dry_run": dry_run}, said, as_json=as_json)


def _placed(one: Setting, codes: dict[int, str]) -> dict[str, Any]:
    entity = codes[one.entity_id] if one.entity_id is not None else None
    return dict(zip(PLACED, (one.id, entity, one.category, one.parameter, one.blocks, one.effective_from), strict=True))


def _scored(entity: str, one: Any) -> dict[str, Any]:
    return {
        "entity": entity, "score": one.score, "items": one.items, "with_findings": one.with_findings,
        "findings": one.findings, "measured_at": one.measured_at,
    }  # fmt: skip
