"""What a digest says: how many are open, overdue and new, and the first of them, for a team, for each owner or for a program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import get_currency_precision
from onhand.access.models import User
from onhand.web.formats import age, money
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from onhand_exceptions import kinds, lookups, queries
from onhand_exceptions.filtering import Filter, parse
from onhand_exceptions.models import Exception_

__all__ = ["ROWS_MAX", "Part", "document_of", "filter_of", "parts_of", "text_of"]

TYPE = "onhand.exceptions.digest.v1"
ROWS_MAX = 20
READERS_MAX = 500
COUNTED = ("open", "overdue", "new", "amount", "unvalued")


@dataclass(frozen=True, slots=True)
class Part:
    """What one reader is told: their name and address (None: the team), counts, the first rows, or why there are none."""

    name: str | None
    address: str | None
    counts: dict[str, int]
    rows: Sequence[Any]
    complaint: str | None = None


def filter_of(
    session: Session, entity_id: int, query: str, user_id: int, now: datetime
) -> tuple[Filter, queries.Digits]:  # fmt: skip
    """Return what a digest's filter asks of what is open; BadToken for one that cannot be read."""
    [entity] = lookups.entities_of(session, [entity_id])
    known = lookups.vocabulary(session, kinds.known(session, entity_id, now), (entity.code,), user_id)
    wanted = parse(query, known, Filter(tab="open", me=user_id))
    return wanted, {entity_id: get_currency_precision(entity.currency)}


def parts_of(
    session: Session, entity_id: int, query: str, per: str, user_id: int, now: datetime, *, most: int = READERS_MAX
) -> list[Part]:
    """Return what each reader of a digest is told, of at most so many owners; BadToken for a filter that cannot be read.

    As many statements for many owners as for one.
    """
    wanted, digits = filter_of(session, entity_id, query, user_id, now)
    reach: queries.Reach = {entity_id: None}
    matching = [queries.visible(reach), *queries.conditions(wanted, now, digits)]
    listed = queries.listed(reach, wanted, now, digits)
    if per != "owner":
        counts = session.execute(select(*_counts(now)).where(*matching)).one()
        return [Part(None, None, _whole(counts._mapping), session.execute(listed.limit(ROWS_MAX)).all())]
    owner_id = Exception_.owner_user_id
    owners = select(User.id, User.name, User.username, *_counts(now)).join(Exception_, owner_id == User.id)
    owners = owners.where(User.active, *matching).group_by(User.id).order_by(User.id).limit(most)
    found = session.execute(owners).all()
    place = func.row_number().over(partition_by=owner_id, order_by=queries.order(wanted)).label("place")
    ranked = listed.where(owner_id.in_([row.id for row in found])).add_columns(place).order_by(None).subquery()
    theirs: dict[int, list[Any]] = {row.id: [] for row in found}
    for row in session.execute(select(ranked).where(ranked.c.place <= ROWS_MAX).order_by(ranked.c.place)):
        theirs[row.owner_user_id].append(row)
    return [Part(row.name, row.username, _whole(row._mapping), theirs[row.id]) for row in found]


def _counts(now: datetime) -> list[ColumnElement[Any]]:
    e, rows = Exception_, func.count()
    return [
        rows.label("open"),
        rows.filter(e.due_at <= now).label("overdue"),
        rows.filter(e.state == "new").label("new"),
        func.coalesce(func.sum(e.amount_minor), 0).label("amount"),
        rows.filter(e.amount_minor.is_(None)).label("unvalued"),
    ]


def _whole(row: Mapping[Any, Any]) -> dict[str, int]:
    return {name: int(row[name]) for name in COUNTED}


def text_of(part: Part, entity: str, currency: str, zone: ZoneInfo, site_url: str, now: datetime) -> str:
    """Return a part as plain text."""
    if part.complaint:
        return f"{part.complaint}\n"
    counts = part.counts
    lines = [
        f"{entity}, {now.astimezone(zone):%A %d %B %Y, %H:%M}",
        "",
        f"{counts['open']} open, {counts['overdue']} past their service level, {counts['new']} that nobody has looked at",
        f"At risk: {_at_risk(counts, currency)}",
        "",
    ]
    for row in part.rows:
        due = now - row.due_at
        late = f"overdue for {age(due)}" if due.total_seconds() > 0 else f"due in {age(-due)}"
        worth = f", {money(row.amount_minor, currency)} at risk" if row.amount_minor is not None else ""
        lines.append(f"* {row.title}")
        lines.append(f"  {row.state}, {late}, {'with ' + row.owner if row.owner else 'nobody has it'}{worth}")
        if site_url:
            lines.append(f"  {site_url.rstrip('/')}/exceptions/{row.id}")
    if counts["open"] > len(part.rows):
        lines += ["", f"and {counts['open'] - len(part.rows)} more"]
    if not counts["open"]:
        lines.append("Nothing is open.")
    return "\n".join(lines) + "\n"


def document_of(
    part: Part, name: str, query: str, entity: str, currency: str, site_url: str, now: datetime
) -> str:  # fmt: skip
    """Return a part as JSON, as a program is told. Amounts are in minor units; null where none is known."""
    counts, is_known = part.counts, part.counts.get("open", 0) > part.counts.get("unvalued", 0)
    data: dict[str, Any] = {"digest": name, "entity": entity, "query": query, "complaint": part.complaint}
    if not part.complaint:
        data |= {
            "open": counts["open"],
            "overdue": counts["overdue"],
            "new": counts["new"],
            "currency": currency,
            "amount_minor": counts["amount"] if is_known or not counts["open"] else None,
            "not_valued": counts["unvalued"],
            "exceptions": [_row_of(row, site_url) for row in part.rows],
        }
    return msgspec.json.encode({"type": TYPE, "timestamp": now, "data": data}).decode()


def _row_of(row: Any, site_url: str) -> dict[str, Any]:
    names = (
        "id",
        "title",
        "kind",
        "state",
        "severity",
        "sku",
        "location",
        "quantity",
        "amount_minor",
        "due_at",
        "owner",
    )
    href = f"{site_url.rstrip('/')}/exceptions/{row.id}" if site_url else None
    return {name: getattr(row, name) for name in names} | {"href": href}


def _at_risk(counts: dict[str, int], currency: str) -> str:
    """Say how much money is at risk: what nobody has valued is not nothing."""
    if counts["open"] and counts["unvalued"] == counts["open"]:
        return "not known"
    said = money(counts["amount"], currency)
    return f"{said}, and {counts['unvalued']} of which it is not known" if counts["unvalued"] else said
