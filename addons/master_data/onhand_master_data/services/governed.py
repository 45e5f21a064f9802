"""Change what may be in use: at once before first use, by request after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.actors import Actor
from onhand.approvals.api import Change
from onhand.policies.book import Where
from onhand.policies.services import resolve
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import NotAuthoritative, Refused
from onhand_master_data.services.authorities import demand_authority
from onhand_master_data.services.in_use import items_in_use, locations_in_use, units_in_use
from onhand_master_data.services.item_rules import Wanted, faults
from onhand_master_data.services.items import concerned, judged_items, write_items
from onhand_master_data.services.locations import judge_all, judged, save_locations
from onhand_master_data.services.merging import merged
from onhand_master_data.services.requesting import Asking, Requested, request
from onhand_master_data.services.units import judged_names, rename_units
from onhand_master_data.services.version import take_turn
from onhand_master_data.services.violations import report_violations
from onhand_master_data.services.wishes import differences_of_item, differences_of_place
from onhand_master_data.values import (
    KEEP,
    ItemChange,
    ItemDraft,
    ItemMerge,
    LocationChange,
    LocationDraft,
    UnitChange,
    Use,
)

__all__ = [
    "Changed",
    "Terms",
    "change_items",
    "change_locations",
    "change_units",
    "merge_items",
    "preview_merge",
    "save_places",
]

FOREIGN_WRITES = "master_data.foreign_writes"


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a change is asked for: its day (None: as soon as it may), and why."""

    effective_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of each row: `created`, `applied`, `unchanged` or `requested`; and the requests, at most one a class."""

    outcomes: tuple[str, ...]
    requests: tuple[Requested, ...] = ()

    @property
    def waiting(self) -> Requested | None:
        """The request that waits for consent or for its day, if there is one."""
        return next((each for each in self.requests if each.status != "applied"), None)


def change_items(
    session: Session, rows: Sequence[ItemDraft | ItemChange], *, terms: Terms = Terms(), by: Actor, now: datetime
) -> Changed:
    """Create and change items, all or none: at once what nobody uses yet, by one request what is in use or has a day.

    Refused names every field at fault, of all rows. Who stocks an item is each entity's own affair and is changed at
    once. What a system writes that is not authoritative is refused, or where the policy of every entity concerned says
    `park` becomes a request too.
    """
    if not rows:
        return Changed(())
    take_turn(session)
    wanted = judged_items(session, rows, now=now)
    is_parked = _is_parked(session, concerned(session, wanted), by=by, now=now)
    ids = queries.ids_by_entity(session)
    befores = [want.before for want in wanted if want.before]
    uses = items_in_use(session, befores, ids, now)
    outcomes: list[str] = []
    at_once: list[Wanted] = []
    waiting: list[tuple[ItemDraft | ItemChange, Wanted]] = []
    for row, want in zip(rows, wanted, strict=True):
        outcome = _outcome(want, uses, terms, is_parked=is_parked, now=now)
        outcomes.append(outcome)
        if outcome == "requested":
            waiting.append((row, want))
        elif outcome != "unchanged":
            at_once.append(want)
    if waiting and at_once and (errors := faults(session, at_once, now=now)):  # a GTIN that waits to be given up, say
        raise Refused(sorted(errors, key=lambda error: error.index))
    write_items(session, at_once, by=by, now=now)
    if not waiting:
        return Changed(tuple(outcomes))
    asking = Asking(
        subject="item",
        wishes=tuple(row for row, _ in waiting),
        names=tuple(want.before.sku if want.before else want.sku for _, want in waiting),
        differences=tuple(line for _, want in waiting for line in differences_of_item(want)),
        entities=frozenset(ids[code] for _, want in waiting for code in _stocked(want)),
        uses=tuple(use for _, want in waiting if want.before for use in uses.get(want.before.id, ())),
        codes={entity_id: code for code, entity_id in ids.items()},
    )
    return Changed(tuple(outcomes), (request(session, asking, terms.effective_at, terms.note, by=by, now=now),))


def merge_items(
    session: Session, merges: Sequence[ItemMerge], *, terms: Terms = Terms(), by: Actor, now: datetime
) -> Changed:
    """Ask for items to be merged into others, all or none, by one request: from its day on codes lead to the survivors.

    No unit moves and no entry changes: Refused while anything of a loser is there or open. That is looked at again on
    the day, over all entities that stock the loser.
    """
    if not merges:
        return Changed(())
    take_turn(session)
    wanted = _judged_merges(session, merges, now=now)
    _is_parked(session, concerned(session, wanted), by=by, now=now)
    ids = queries.ids_by_entity(session)
    title = ", ".join(f"{one.sku} is merged into {one.survivor}" for one in merges[:3])
    asking = Asking(
        subject="item",
        wishes=tuple(merges),
        names=tuple(dict.fromkeys(sku for one in merges for sku in (one.sku, one.survivor))),
        differences=tuple(line for want in wanted for line in differences_of_item(want)),
        entities=frozenset(ids[code] for want in wanted for code in _stocked(want)) or frozenset(ids.values()),
        uses=(),
        codes={entity_id: code for code, entity_id in ids.items()},
        title=title + (f" and {len(merges) - 3} more" if len(merges) > 3 else ""),
    )
    return Changed(
        ("requested",) * len(merges), (request(session, asking, terms.effective_at, terms.note, by=by, now=now),)
    )


def preview_merge(session: Session, merges: Sequence[ItemMerge], *, now: datetime) -> list[Change]:
    """Return what merges would change, before and after; Refused as they would be. Writes nothing."""
    wanted = _judged_merges(session, merges, now=now)
    return [change for want in wanted for _, change in differences_of_item(want)]


def change_locations(
    session: Session, changes: Sequence[LocationChange], *, terms: Terms = Terms(), by: Actor, now: datetime
) -> Changed:
    """Change locations of one entity, all or none: at once where nothing was ever held there, by one request otherwise."""
    if not changes:
        return Changed(())
    take_turn(session)
    befores, wanted = judged(session, changes)
    ids = queries.ids_by_entity(session)
    touched = {
        ids[after.entity]: f"location {after.code}" for old, after in zip(befores, wanted, strict=True) if old != after
    }
    is_parked = _is_parked(session, touched, by=by, now=now)
    uses = locations_in_use(session, befores, now)
    outcomes = [
        "unchanged"
        if before == after
        else "requested"
        if is_parked or before.id in uses or _has_a_day(terms, now)
        else "applied"
        for before, after in zip(befores, wanted, strict=True)
    ]
    rows = list(zip(changes, befores, wanted, outcomes, strict=True))
    save_locations(session, [row for row, _, _, outcome in rows if outcome == "applied"], by=by, now=now)
    waiting = [(row, before, after) for row, before, after, outcome in rows if outcome == "requested"]
    if not waiting:
        return Changed(tuple(outcomes))
    asking = Asking(
        subject="location",
        wishes=tuple(row for row, _, _ in waiting),
        names=tuple(before.code for _, before, _ in waiting),
        differences=tuple(line for _, before, after in waiting for line in differences_of_place(before, after)),
        entities=frozenset(ids[before.entity] for _, before, _ in waiting),
        uses=tuple(use for _, before, _ in waiting for use in uses.get(before.id, ())),
        codes={entity_id: code for code, entity_id in ids.items()},
        location=(waiting[0][1].id, waiting[0][1].code) if len(waiting) == 1 else None,
    )
    return Changed(tuple(outcomes), (request(session, asking, terms.effective_at, terms.note, by=by, now=now),))


def save_places(
    session: Session, rows: Sequence[LocationDraft | LocationChange], *, by: Actor, now: datetime
) -> tuple[str, ...]:
    """Create each draft and change each location, all or none, those in use by a request of their entity.

    Returns what became of each, in order. Refused names every field at fault, of all rows.
    """
    take_turn(session)
    judge_all(session, rows)
    ids = queries.ids_by_entity(session)
    befores = queries.locations_by_code(session, [row.code.strip() for row in rows])
    drafts = [row for row in rows if isinstance(row, LocationDraft)]
    save_locations(session, drafts, by=by, now=now)
    outcomes: dict[int, str] = {}
    by_entity: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        if isinstance(row, LocationDraft):
            outcomes[index] = "created"
        else:
            by_entity.setdefault(ids[befores[row.code.strip()].entity], []).append(index)
    for _, places in sorted(by_entity.items()):
        changes = [row for index in places if isinstance(row := rows[index], LocationChange)]
        told = change_locations(session, changes, by=by, now=now).outcomes
        outcomes.update(zip(places, told, strict=True))
    return tuple(outcomes[index] for index in range(len(rows)))


def change_units(
    session: Session, changes: Sequence[UnitChange], *, terms: Terms = Terms(), by: Actor, now: datetime
) -> Changed:
    """Call units by other names, all or none: at once where no item has them, by one request of the group otherwise."""
    if not changes:
        return Changed(())
    take_turn(session)
    befores, wanted = judged_names(session, changes)
    pairs = list(zip(changes, befores, wanted, strict=True))
    differing = [pair for pair in pairs if pair[1] != pair[2]]
    used = units_in_use(session, [before.code for _, before, _ in differing])
    waiting = [pair for pair in differing if pair[1].code in used or _has_a_day(terms, now)]
    names = {
        after.code: after.name for _, _, after in differing if after.code not in used and not _has_a_day(terms, now)
    }
    if names:
        rename_units(session, names, by=by, now=now)
    outcomes = tuple(
        "unchanged" if before == after else "applied" if before.code in names else "requested"
        for _, before, after in pairs
    )
    if not waiting:
        return Changed(outcomes)
    ids = queries.ids_by_entity(session)
    asking = Asking(
        subject="unit",
        wishes=tuple(row for row, _, _ in waiting),
        names=tuple(before.code for _, before, _ in waiting),
        differences=tuple(line for _, before, after in waiting for line in differences_of_place(before, after)),
        entities=frozenset(ids.values()),
        uses=(),
        codes={entity_id: code for code, entity_id in ids.items()},
        facts=tuple((f"Items in {code}", str(count)) for code, count in used.items()),
    )
    return Changed(outcomes, (request(session, asking, terms.effective_at, terms.note, by=by, now=now),))


def _judged_merges(session: Session, merges: Sequence[ItemMerge], *, now: datetime) -> list[Wanted]:
    """Return what merges make of items. Who comes to stock a survivor stocked its loser, within reach or beyond."""
    changes = merged(session, merges, now=now)
    judged_items(session, [replace(change, entities=KEEP) for change in changes], now=now)
    return judged_items(session, changes, now=now, is_decided=True)


def _outcome(want: Wanted, uses: Mapping[int, list[Use]], terms: Terms, *, is_parked: bool, now: datetime) -> str:
    before = want.before
    if before is None:
        return "requested" if is_parked or _has_a_day(terms, now) else "created"
    if want.as_item(before.id) == before:
        return "unchanged"
    if is_parked:
        return "requested"
    if replace(want, entities=before.entities).as_item(before.id) == before:
        return "applied"
    return "requested" if before.id in uses or _has_a_day(terms, now) else "applied"


def _has_a_day(terms: Terms, now: datetime) -> bool:
    return terms.effective_at is not None and terms.effective_at > now


def _stocked(want: Wanted) -> set[str]:
    return {*want.entities, *(want.before.entities if want.before else ())}


def _is_parked(session: Session, subjects: Mapping[int, str], *, by: Actor, now: datetime) -> bool:
    """Say whether a write of a system that is not authoritative is kept as a request; raise where it is refused."""
    try:
        demand_authority(session, "item_master", subjects, by=by, now=now)
    except NotAuthoritative as refused:
        concerned_by = [Where(entity_id=one.entity_id) for one in refused.violations]
        if any(resolve(session, FOREIGN_WRITES, where, at=now) != "park" for where in concerned_by):
            raise
        within = [one for one in refused.violations if one.entity_id in context(session).entities]
        report_violations(session, within, now=now)
        return True
    return False
