"""Factories for tests, of this add-on and of those that build on it: real rows, made by the real verbs."""

from datetime import datetime, timedelta
from itertools import count

from onhand.actors import Actor
from onhand.db import cursor
from onhand.testing.samples import Place, Sample
from sqlalchemy.orm import Session

from onhand_master_data.services import (
    Naming,
    NewSetting,
    Terms,
    add_rules,
    change_items,
    create_categories,
    create_items,
    create_locations,
    measure,
    name_authorities,
)
from onhand_master_data.values import Barcode, Category, Item, ItemChange, ItemDraft, Location, LocationDraft, Pack

__all__ = ["TESTER", "gtin_of", "make_item", "make_items", "make_location", "samples"]

TESTER = Actor.system("test")
_numbers = count(1)


def make_item(
    session: Session,
    now: datetime,
    *entity_ids: int,
    sku: str | None = None,
    name: str | None = None,
    base_unit: str = "EA",
    category: str | None = None,
    packs: tuple[Pack, ...] = (),
    gtin: str | None = None,
) -> Item:
    """Create an item that these entities stock; without any, every entity in the transaction's scope stocks it."""
    sku = sku or f"SKU-{next(_numbers):05}"
    draft = ItemDraft(
        sku=sku,
        name=name or f"Item {sku}",
        base_unit=base_unit,
        category=category,
        entities=_codes(session, entity_ids),
        packs=packs,
        barcodes=(Barcode(gtin),) if gtin else (),
    )
    return create_items(session, [draft], by=TESTER, now=now)[0]


def make_items(session: Session, now: datetime, how_many: int, *entity_ids: int) -> list[Item]:
    """Create many items in one go, stocked by these entities, or by all in scope."""
    entities = _codes(session, entity_ids)
    skus = [f"SKU-{next(_numbers):05}" for _ in range(how_many)]
    drafts = [ItemDraft(sku=sku, name=f"Item {sku}", entities=entities) for sku in skus]
    return create_items(session, drafts, by=TESTER, now=now)


def make_location(
    session: Session,
    now: datetime,
    entity_id: int,
    *,
    code: str | None = None,
    kind: str = "store",
    name: str | None = None,
    gln: str | None = None,
    time_zone: str | None = None,
) -> Location:
    """Create a location of this entity, which must lie in the transaction's scope."""
    code = code or f"L-{next(_numbers):05}"
    [entity] = _codes(session, (entity_id,))
    draft = LocationDraft(code, name or f"Location {code}", entity, kind, gln, time_zone)
    return create_locations(session, [draft], by=TESTER, now=now)[0]


def gtin_of(number: int) -> str:
    """Return a valid GTIN-13 for a number of up to 12 digits."""
    digits = f"{number:012}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _codes(session: Session, entity_ids: tuple[int, ...]) -> tuple[str, ...]:
    """Without ids, the codes of every entity in scope: the setting that the wall itself reads."""
    rows = cursor(session).execute(
        "SELECT code FROM onhand.entity WHERE id = ANY(CASE WHEN cardinality(%(ids)s::int[]) > 0 THEN %(ids)s::int[]"
        " ELSE nullif(current_setting('onhand.entities', true), '')::int[] END) ORDER BY code",
        {"ids": list(entity_ids)},
    )
    return tuple(row[0] for row in rows)


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """One of each: a location of the entity, who is authoritative there, and what the group shares, items among it."""
    location = make_location(session, now, place.entity.id, name=place.text)
    item = make_item(session, now, place.entity.id, name=place.text)
    place.location_id = location.id
    place.things |= {"location": location, "item": item}
    naming = Naming(place.entity.id, "financial_posting", "ERP", reason=place.text, replace=True)
    [period] = name_authorities(session, [naming], by=TESTER, now=now)
    wish, terms = ItemChange(item.sku, name=f"{place.text} anew"), Terms(now + timedelta(days=30), place.text)
    [request] = change_items(session, [wish], terms=terms, by=TESTER, now=now).requests
    category = _category(session, now)
    setting = NewSetting("gtin_required", category=category, entity_id=place.entity.id)
    [rule] = add_rules(session, [setting], by=TESTER, now=now)
    measure(session, place.entity.id, now=now)
    return {
        "authorities/period_id": Sample(str(period.id)),
        "requests/request_id": Sample(str(request.id)),
        "change_requests/request_id": Sample(str(request.id)),
        "rules/rule_id": Sample(str(rule.id)),
        "validation_rules/rule_id": Sample(str(rule.id)),
        "items/sku": Sample(item.sku, of_group=True),
        "locations/code": Sample(location.code, at_location=True),
        "units/code": Sample("EA", of_group=True),
        "categories/code": Sample(category, of_group=True),
    }


def _category(session: Session, now: datetime) -> str:
    code = f"CAT-{next(_numbers):05}"
    create_categories(session, [Category(code, "Things")], by=TESTER, now=now)
    return code
