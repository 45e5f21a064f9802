"""`onhand ledger explain`."""

from datetime import datetime

import click
import msgspec
from onhand.cli.asking import Moment
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option
from onhand.transaction import every_entity, run
from onhand_master_data.api import (
    ItemName,
    LocationName,
    describe_items,
    describe_locations,
    items_by_sku,
    locations_by_code,
)
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.orm import Session

from onhand_stock.explanation import ENTRIES_MAX, Explanation, kind_labels
from onhand_stock.explanation import explain as explain_number
from onhand_stock.sides import Side
from onhand_stock.states import STATES

__all__ = ["explain"]


class Told(msgspec.Struct):
    """An explanation with the names that people know."""

    item: ItemName
    location: LocationName
    why: Explanation
    kinds: dict[str, str]
    codes: dict[int, str]


@click.command("explain")
@click.argument("item", metavar="ITEM")
@click.argument("location", metavar="LOCATION")
@click.option("--state", type=click.Choice(STATES), help="Only the entries that changed this state.")
@click.option("--at", type=Moment(), help="As it was in the world then.")
@click.option("--known-at", type=Moment(), help="As the book knew it then.")
@click.option("--limit", type=click.IntRange(1, ENTRIES_MAX), default=30, show_default=True, help="How many entries.")
@as_json_option
def explain(
    item: str,
    location: str,
    state: str | None,
    at: datetime | None,
    known_at: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Say why the numbers of ITEM (a SKU) at LOCATION (a code) are what they are: states, entries, shortages."""

    def command(session: Session, _: datetime) -> Told:
        found = items_by_sku(session, [item]).get(item)
        place = locations_by_code(session, [location]).get(location)
        if found is None or place is None:
            raise Refused(f"there is no item {item!r}" if found is None else f"there is no location {location!r}")
        why = explain_number(session, found.id, place.id, state=state, at=at, known_at=known_at, limit=limit)
        others = {side.other_location_id for side in why.sides if side.other_location_id is not None}
        names = describe_locations(session, {place.id, *others})
        return Told(
            describe_items(session, [found.id])[found.id],
            names[place.id],
            why,
            kind_labels(session),
            {one.id: one.code for one in names.values()},
        )

    told = run(command, entities=every_entity())
    if as_json:
        click.echo(msgspec.json.encode(_document(told)).decode())
    else:
        _print(told)


def _document(told: Told) -> dict[str, object]:
    why = told.why
    return {
        "sku": told.item.sku,
        "location": told.location.code,
        "unit": told.item.base_unit,
        "at": why.at,
        "known_at": why.known_at,
        "on_hand": why.balance.on_hand,
        "states": why.balance.states,
        "entries": [
            {
                "entry": side.name,
                "occurred_at": side.occurred_at,
                "recorded_at": side.recorded_at,
                "kind": side.kind,
                "state": side.state,
                "delta": side.delta,
                "value_minor": side.value_minor,
                "balance": side.after,
                "other_end": _other(side, told.codes),
                "document": side.document,
                "actor": side.actor,
                "reason": side.reason,
                "reverses": side.reverses,
            }
            for side in why.sides
        ],
        "has_more": why.has_more,
        "shortages": msgspec.to_builtins(why.shortages),
        "last_count": msgspec.to_builtins(why.last_count),
    }


def _print(told: Told) -> None:
    why, console = told.why, Console(width=None if Console().is_terminal else 160)
    moments = [f"{word} {moment.isoformat()}" for word, moment in (("at", why.at), ("known", why.known_at)) if moment]
    console.print(
        Text(f"{told.item.sku} {told.item.name} at {told.location.code} {told.location.name}", style="bold"),
        *moments,
    )
    held = ", ".join(f"{state} {units}" for state, units in why.balance.states.items() if units) or "nothing"
    console.print(f"on hand {why.balance.on_hand} {told.item.base_unit}: {held}\n")
    table = Table("occurred", "recorded", "kind", "state", "change", "balance", "other end", "document", "actor", "why")
    for side in why.sides:
        note = " ".join(filter(None, (side.reason, side.reverses and f"reverses {side.reverses}")))
        table.add_row(
            f"{side.occurred_at:%Y-%m-%d %H:%M:%S}", f"{side.recorded_at:%Y-%m-%d %H:%M:%S}",
            told.kinds.get(side.kind, side.kind), side.state, _change(side), str(side.after),
            _other(side, told.codes), Text(side.document), Text(side.actor), Text(note),
        )  # fmt: skip
    console.print(table if why.sides else "no entries")
    if why.has_more:
        console.print("older entries are left out: raise --limit")
    _print_shortages(console, told)
    if why.last_count is not None:
        one = why.last_count
        console.print(
            f"last counted {one.counted_at:%Y-%m-%d %H:%M:%S}: {one.counted}, where the book expected {one.expected} "
            f"(adjusted by {one.adjustment:+})"
        )


def _print_shortages(console: Console, told: Told) -> None:
    for story in told.why.shortages:
        console.print(
            f"shortage of {story.quantity} opened by {story.document} ({story.occurred_at:%Y-%m-%d %H:%M:%S}): "
            + (f"{story.standing} still missing" if story.standing else "cleared")
            + (", by what came later than they left: probably miscounted" if story.is_doubtful else ""),
            markup=False,
        )
        for one in story.cleared_by:
            label = told.kinds.get(one.kind, one.kind)
            console.print(
                f"  {one.quantity} by {label} {one.document} ({one.occurred_at:%Y-%m-%d %H:%M:%S})", markup=False
            )


def _change(side: Side) -> str:
    return f"{side.delta:+}" if side.value_minor is None else f"value {side.value_minor:+}"


def _other(side: Side, codes: dict[int, str]) -> str:
    if side.other_location_id is None:
        return side.other_state
    if side.other_location_id == side.location_id:
        return side.other_state
    return f"{side.other_state} at {codes.get(side.other_location_id, '?')}"
