"""`onhand feed`: how the availability feed of each channel is, and having numbers sent again."""

from datetime import datetime
from typing import Any

import click
import msgspec
from onhand.cli.asking import operator
from onhand.cli.exits import Refused
from onhand.cli.output import as_json_option, done, show
from onhand.transaction import every_entity, run
from onhand_master_data.api import items_by_sku
from sqlalchemy.orm import Session

from onhand_channels.feed_queries import feed_status
from onhand_channels.services import channels_by_code, channels_of, entity_codes, feeding
from onhand_channels.values import ChannelRef

__all__ = ["feed"]


@click.group()
def feed() -> None:
    """The availability feed: how far it is, and have numbers sent again."""


@feed.command()
@click.option("--channel", "code", help="This channel alone.")
@as_json_option
def status(code: str | None, as_json: bool) -> None:
    """Tell of each channel that is or was fed who feeds it, what is due, parked and stale, and the last hour's lag."""

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        codes = entity_codes(session)
        refs = channels_of(session, list(codes)) if code is None else [_known(session, code)]
        feeders = feeding.served(session, refs, now=now)
        found = feed_status(session, [ref.id for ref in refs], now=now)
        return [
            {
                "channel": ref.code,
                "entity": codes[ref.entity_id],
                "publisher": feeders[ref.id].name if ref.id in feeders else None,
                **msgspec.structs.asdict(found[ref.id]),
            }
            for ref in refs
            if ref.id in found
        ]

    show(run(command, entities=every_entity()), as_json=as_json, none="no channel is fed: no add-on publishes to one")


@feed.command()
@click.argument("code", metavar="CHANNEL")
@click.option("--item", "skus", multiple=True, metavar="SKU", help="All keys of this item; may be repeated.")
@click.option("--all", "is_all", is_flag=True, help="All keys of the channel.")
@click.option("--dry-run", is_flag=True, help="Say how many it would be, and leave it.")
@as_json_option
def resend(code: str, skus: tuple[str, ...], is_all: bool, dry_run: bool, as_json: bool) -> None:
    """Have a channel's numbers sent again: what is parked, or whatever it acknowledged of an item or of all.

    With --item or --all the numbers are set without comparing: for a channel that lost what it had.
    """
    if skus and is_all:
        raise click.UsageError("Name items, or --all: not both.")

    def command(session: Session, now: datetime) -> int:
        channel, items = _known(session, code), _items(session, skus)
        forced = bool(skus) or is_all
        if dry_run:
            return feeding.count_resent(session, channel, items, is_parked=not forced)
        verb = feeding.resend if forced else feeding.retry_numbers
        return verb(session, channel, items, by=operator(), now=now)

    keys = run(command, entities=every_entity())
    document = {"channel": code, "keys": keys, "dry_run": dry_run}
    done(document, f"{keys} numbers {'would be' if dry_run else 'are'} due for {code}", as_json=as_json)


def _known(session: Session, code: str) -> ChannelRef:
    found = channels_by_code(session, [code])
    if not found:
        raise Refused(f"there is no channel {code!r}")
    return found[0]


def _items(session: Session, skus: tuple[str, ...]) -> list[int] | None:
    if not skus:
        return None
    known = items_by_sku(session, skus)
    missing = sorted(set(skus) - known.keys())
    if missing:
        raise Refused(f"there is no item {missing[0]!r}")
    return [item.id for item in known.values()]
