"""The rows of items: each statement writes a whole list."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.services.columns import columns
from onhand_master_data.services.item_rules import Wanted
from onhand_master_data.values import Item

__all__ = ["write"]

Row = tuple[Any, ...]


def write(
    session: Session, wanted: Sequence[Wanted], dated: Mapping[int, datetime], by: Actor, now: datetime
) -> list[Item]:
    """Make the rows say what is wanted, and return the items in the list's order. The list has no faults.

    `dated` are the items whose packs have been counted by: what changes of those adds a version from that time on. Of all
    others a changed pack takes the place of what it was.
    """
    ids = _insert(session, [want for want in wanted if want.before is None], now)
    _update(session, [want for want in wanted if want.before is not None])
    items = [want.as_item(want.before.id if want.before else ids[want.sku]) for want in wanted]
    pairs = [(want.before, item) for want, item in zip(wanted, items, strict=True)]
    _write_parts(session, pairs, dated, by, now)
    return items


def _insert(session: Session, wanted: Sequence[Wanted], now: datetime) -> dict[str, int]:
    if not wanted:
        return {}
    rows = [(want.sku, want.name, want.base_unit, want.category) for want in wanted]
    made = cursor(session).execute(
        "INSERT INTO master_data.item (sku, name, base_unit, category_id, created_at)"
        " SELECT d.sku, d.name, d.base_unit, c.id, %s"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS d (sku, name, base_unit, category)"
        " LEFT JOIN master_data.category c ON c.code = d.category RETURNING sku, id",
        (now, *columns(rows, 4)),
    )
    return dict(made.fetchall())


def _update(session: Session, wanted: Sequence[Wanted]) -> None:
    rows = [
        (before.id, want.sku, want.name, want.category, want.active, want.survivor)
        for want in wanted
        if (before := want.before)
        and (before.sku, before.name, before.category, before.active, before.survivor)
        != (want.sku, want.name, want.category, want.active, want.survivor)
    ]
    if rows:
        cursor(session).execute(
            "UPDATE master_data.item i SET sku = d.sku, name = d.name, category_id = c.id, active = d.active,"
            " merged_into = o.id FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::text[])"
            " AS d (id, sku, name, category, active, survivor) LEFT JOIN master_data.category c ON c.code = d.category"
            " LEFT JOIN master_data.item o ON o.sku = d.survivor WHERE i.id = d.id",
            columns(rows, 6),
        )


def _write_parts(
    session: Session, pairs: Sequence[tuple[Item | None, Item]], dated: Mapping[int, datetime], by: Actor, now: datetime
) -> None:
    """Write what differs of barcodes, packs and entities: barcodes go before their packs, and come after them."""
    entity_ids = queries.ids_by_entity(session)
    gone_codes, new_codes = _difference(pairs, lambda item: map(astuple, item.barcodes))
    gone_packs, new_packs = _difference(pairs, lambda item: map(astuple, item.packs))
    gone_entities, new_entities = _difference(pairs, lambda item: ((entity_ids[e],) for e in item.entities))
    kept_packs = {row[:2] for row in new_packs}
    _many(
        session,
        "DELETE FROM master_data.barcode b USING unnest(%s::int[], %s::text[]) AS d (item_id, gtin)"
        " WHERE b.gtin = d.gtin AND b.item_id = d.item_id",
        [row[:2] for row in gone_codes],
    )
    _many(
        session,
        "INSERT INTO master_data.pack (item_id, unit, numerator, denominator)"
        " SELECT * FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[])"
        " ON CONFLICT (item_id, unit) DO UPDATE SET numerator = excluded.numerator, denominator = excluded.denominator",
        new_packs,
    )
    _many(
        session,
        "DELETE FROM master_data.pack p USING unnest(%s::int[], %s::text[]) AS d (item_id, unit)"
        " WHERE p.item_id = d.item_id AND p.unit = d.unit",
        [row[:2] for row in gone_packs if row[:2] not in kept_packs],
    )
    _write_factors(session, gone_packs, new_packs, dated, by, now)
    _many(
        session,
        "INSERT INTO master_data.barcode (item_id, gtin, unit) SELECT * FROM unnest(%s::int[], %s::text[], %s::text[])",
        new_codes,
    )
    _many(
        session,
        "DELETE FROM master_data.item_entity s USING unnest(%s::int[], %s::int[]) AS d (item_id, entity_id)"
        " WHERE s.item_id = d.item_id AND s.entity_id = d.entity_id",
        gone_entities,
    )
    _many(
        session,
        "INSERT INTO master_data.item_entity (item_id, entity_id) SELECT * FROM unnest(%s::int[], %s::int[])",
        new_entities,
    )


def _write_factors(
    session: Session, gone: Sequence[Row], new: Sequence[Row], dated: Mapping[int, datetime], by: Actor, now: datetime
) -> None:
    """Keep what packs held from when on: what was counted before a change is counted by what held then."""
    changed = {row[:2]: row[2:] for row in new}
    ended = {row[:2]: (None, None) for row in gone if row[:2] not in changed}
    replaced = [key for key in {*changed, *(row[:2] for row in gone)} if key[0] not in dated]
    _many(
        session,
        "DELETE FROM master_data.pack_factor f USING unnest(%s::int[], %s::text[]) AS d (item_id, unit)"
        " WHERE f.item_id = d.item_id AND f.unit = d.unit",
        replaced,
    )
    again = [(*key, dated[key[0]]) for key in {**changed, **ended} if key[0] in dated]
    _many(
        session,
        "DELETE FROM master_data.pack_factor f USING unnest(%s::int[], %s::text[], %s::timestamptz[])"
        " AS d (item_id, unit, at) WHERE f.item_id = d.item_id AND f.unit = d.unit AND f.effective_from >= d.at",
        again,
    )
    _many(
        session,
        "INSERT INTO master_data.pack_factor"
        " (item_id, unit, effective_from, numerator, denominator, recorded_at, actor)"
        " SELECT * FROM unnest(%s::int[], %s::text[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::timestamptz[],"
        " %s::text[])",
        [
            (*key, dated.get(key[0], now), *factor, now, by.ref)
            for key, factor in {**changed, **ended}.items()
            if factor[0] is not None or key[0] in dated
        ],
    )


def _difference(
    pairs: Sequence[tuple[Item | None, Item]], parts: Callable[[Item], Iterable[Row]]
) -> tuple[list[Row], list[Row]]:
    """Return the rows that go and the rows that come, each led by its item's id."""
    old = {(after.id, *part) for before, after in pairs if before for part in parts(before)}
    new = {(after.id, *part) for _, after in pairs for part in parts(after)}
    return list(old - new), list(new - old)


def _many(session: Session, statement: str, rows: Sequence[Row]) -> None:
    if rows:
        cursor(session).execute(statement, columns(rows, len(rows[0])))
