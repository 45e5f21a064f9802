"""The checklist of a channel: what must be so before it goes live, judged by code. Add-ons contribute their items."""

from collections.abc import Sequence
from datetime import datetime

from onhand.db import cursor, int_array, text_array
from onhand.policies.services import is_chosen, resolve
from onhand.transaction import context
from onhand_master_data.api import DOMAINS, authority
from sqlalchemy.orm import Session

from onhand_channels.services.latency import POLICY as LATENCY
from onhand_channels.services.latency import limit_of
from onhand_channels.values import ChannelRef, Check

__all__ = ["PLAN", "SHADOW_EVENTS_MIN", "checklist"]

PLAN = "channels.degradation_plan"
SHADOW_EVENTS_MIN = "channels.shadow_events_min"
AUTHORITIES = ("stock_ledger", "order_promising")
ITEM_REASONS = ("unknown_item", "item_not_stocked", "item_mismatch", "unit_refused")
# Of each channel the newest shadowed events, as many as must be clean; and its locations and items as they are now.
FACTS = """
/* checklist.facts */ SELECT k.id, s.told, s.at_fault, s.of_items,
  (SELECT count(*) FROM channels.channel_location p JOIN master_data.location l ON l.id = p.location_id
   WHERE p.channel_id = k.id AND NOT l.active),
  EXISTS (SELECT FROM master_data.item_entity e JOIN master_data.item i ON i.id = e.item_id
          WHERE e.entity_id = k.entity_id AND i.active)
FROM unnest(%s::int[], %s::int[], %s::int[]) AS k (id, entity_id, most) CROSS JOIN LATERAL (
  SELECT count(*), count(e.reason), count(*) FILTER (WHERE e.reason = ANY(%s::text[])) FROM (
    SELECT reason FROM channels.event
    WHERE entity_id = k.entity_id AND channel_id = k.id AND outcome = 'shadowed'
    ORDER BY recorded_at DESC LIMIT k.most
  ) e
) s (told, at_fault, of_items)
"""


def checklist(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> dict[int, list[Check]]:
    """Return the checklist of each channel by its id: the own items first, then those of other add-ons in use there."""
    own = _own_checks(session, channels, now=now)
    found = {channel.id: checks for channel, checks in zip(channels, own, strict=True)}
    addons = context(session).addons
    for entity_id in {channel.entity_id for channel in channels}:
        here = [channel for channel in channels if channel.entity_id == entity_id]
        caller = addons.caller("channel_checks", entity_id, now)
        answers = [] if caller is None else caller(session=session, channels=here, now=now)
        for answer in answers:
            for channel, checks in zip(here, answer, strict=True):
                found[channel.id] += checks
    return found


def _own_checks(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> list[list[Check]]:
    """Return what this add-on itself asks of channels: mapping, latency service level, test events in shadow."""
    wanted = [int(resolve(session, SHADOW_EVENTS_MIN, channel.where, at=now)) for channel in channels]
    arguments = (
        int_array([channel.id for channel in channels]),
        int_array([channel.entity_id for channel in channels]),
        int_array(wanted),
        text_array(ITEM_REASONS),
    )
    facts = {row[0]: tuple(row[1:]) for row in cursor(session).execute(FACTS, arguments).fetchall()}
    return [
        [
            _locations(channel, facts[channel.id][3]),
            _items(channel, facts[channel.id][2], has_items=facts[channel.id][4]),
            _authority(session, channel, now),
            _latency(session, channel, now),
            _degradation(session, channel, now),
            _shadow(channel, facts[channel.id][0], facts[channel.id][1], most),
        ]
        for channel, most in zip(channels, wanted, strict=True)
    ]


def _locations(channel: ChannelRef, inactive: int) -> Check:
    many = len(channel.location_ids)
    detail = "one location" if many == 1 else f"{many} locations, in the order they are asked"
    mend = ""
    if not many:
        detail, mend = "it sells from no location", "Name the locations it sells from."
    elif inactive:
        detail, mend = f"{inactive} of its {many} locations are inactive", "Take them off, or activate them."
    return Check("locations", "Locations mapped", not mend, detail, mend, f"/channels/{channel.code}/edit")


def _items(channel: ChannelRef, of_items: int, *, has_items: bool) -> Check:
    detail, mend = "every item it told of is known", ""
    if not has_items:
        detail, mend = "its entity stocks no item", "Bring items in: onhand import items FILE."
    elif of_items:
        detail = f"{of_items} of its newest events name an item that is not known or not stocked"
        mend = "Enter the items, then have it tell test events anew."
    return Check("items", "Items known", not mend, detail, mend, f"/channels/{channel.code}/shadow#problems")


def _authority(session: Session, channel: ChannelRef, now: datetime) -> Check:
    named = {domain: authority(session, domain, channel.entity_id, now) for domain in AUTHORITIES}
    missing = [DOMAINS[domain] for domain, system in named.items() if system is None]
    if missing:
        return Check(
            "authority", "Authority named", False, f"nobody is named for: {', '.join(missing)}",
            "Name which system is authoritative for them in its entity.", "/master_data/authorities",
        )  # fmt: skip
    detail = ", ".join(f"{DOMAINS[domain]}: {system}" for domain, system in named.items())
    return Check("authority", "Authority named", True, detail, href="/master_data/authorities")


def _latency(session: Session, channel: ChannelRef, now: datetime) -> Check:
    if is_chosen(session, LATENCY, channel.where, at=now):
        return Check(
            "latency", "Latency service level set", True, f"{limit_of(session, channel, now)} s", policy=LATENCY
        )
    return Check(
        "latency", "Latency service level set", False, "nobody has set how late it may tell",
        f"Set {LATENCY} for the channel, its entity or the group.", policy=LATENCY,
    )  # fmt: skip


def _degradation(session: Session, channel: ChannelRef, now: datetime) -> Check:
    if is_chosen(session, PLAN, channel.where, at=now):
        plan = str(resolve(session, PLAN, channel.where, at=now))
        return Check("degradation", "Degradation plan chosen", True, plan.replace("_", " "), policy=PLAN)
    return Check(
        "degradation", "Degradation plan chosen", False, "nobody has chosen what is done while it is not well",
        f"Set {PLAN} for the channel, its entity or the group.", policy=PLAN,
    )  # fmt: skip


def _shadow(channel: ChannelRef, told: int, at_fault: int, most: int) -> Check:
    detail, mend = f"the newest {told} are without a problem", ""
    if told < most:
        detail, mend = f"{told} of {most} test events told", "Send test events; nothing of them moves stock."
    elif at_fault:
        detail = f"{at_fault} of the newest {most} have a problem"
        mend = "Mend what they name, then send test events anew."
    return Check("shadow", "Test events passed in shadow", not mend, detail, mend, f"/channels/{channel.code}/shadow")
