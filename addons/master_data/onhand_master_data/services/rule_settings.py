"""Verbs over the rules that items are held to, and what breaks them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services.columns import columns
from onhand_master_data.services.version import take_turn
from onhand_master_data.validation import DUPLICATE, DUPLICATE_LABEL, Broken, ValidationRule
from onhand_master_data.values import Category, Item

__all__ = ["NewSetting", "Setting", "add_rules", "broken_by", "known_rules", "retire_rules", "rule_labels", "settings"]

LIST = """
/* rules.list */ SELECT s.id, s.rule, c.code, s.entity_id, s.parameter, s.blocks, s.effective_from, s.retired_at, s.actor
FROM master_data.rule_setting s LEFT JOIN master_data.category c ON c.id = s.category_id
WHERE (s.entity_id IS NULL OR s.entity_id = ANY(%s)) AND (s.retired_at IS NULL OR s.retired_at > greatest(%s, s.effective_from))
ORDER BY s.rule, c.code NULLS FIRST, s.id
"""
INSERT = """
/* rules.insert */ INSERT INTO master_data.rule_setting
  (rule, category_id, entity_id, parameter, blocks, effective_from, recorded_at, actor)
SELECT d.rule, c.id, d.entity_id, d.parameter, d.blocks, d.at, %s, %s
FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::bool[], %s::timestamptz[])
  WITH ORDINALITY AS d (rule, category, entity_id, parameter, blocks, at, position)
LEFT JOIN master_data.category c ON c.code = d.category ORDER BY position RETURNING id
"""
PARAMETER_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class NewSetting:
    """A wish: a rule holds for a category (None: all) of an entity (None: all), from a time on (None: now)."""

    rule: str
    parameter: str = ""
    category: str | None = None
    entity_id: int | None = None
    blocks: bool = False
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a rule holds from when on."""

    id: int
    rule: str
    category: str | None
    entity_id: int | None
    parameter: str
    blocks: bool
    effective_from: datetime
    retired_at: datetime | None
    actor: str


def known_rules(session: Session) -> dict[str, ValidationRule]:
    """Return the rules that installed add-ons contribute, by name."""
    return {rule.name: rule for rule in context(session).addons.gather("validation_rules")}


def rule_labels(session: Session) -> dict[str, str]:
    """Return what people call what items are held to, by name: the rules, and that nothing is there twice."""
    return {name: rule.label for name, rule in known_rules(session).items()} | {DUPLICATE: DUPLICATE_LABEL}


def settings(session: Session, *, now: datetime) -> list[Setting]:
    """Return what is in force or to come within scope, the group's included."""
    rows = cursor(session).execute(LIST, (list(context(session).entities), now)).fetchall()
    return [Setting(*row) for row in rows]


def add_rules(session: Session, wishes: Sequence[NewSetting], *, by: Actor, now: datetime) -> list[Setting]:
    """Hold items to rules, all or none: Refused names every field at fault. What is stored already stays as it is."""
    take_turn(session)
    known, categories = known_rules(session), queries.categories(session)
    standing = {(one.rule, one.category, one.entity_id) for one in settings(session, now=now)}
    errors = [error for index, wish in enumerate(wishes) for error in _faults(session, index, wish, known, categories)]
    for index, wish in enumerate(wishes):
        place = (wish.rule, wish.category, wish.entity_id)
        if place in standing:
            message = "it holds there already: retire that first"
            errors.append(FieldError(index, "rule", message, wish.rule, conflict=True))
        standing.add(place)
    if errors:
        raise Refused(errors)
    rows = [
        (one.rule, one.category, one.entity_id, one.parameter.strip(), one.blocks, max(one.effective_from or now, now))
        for one in wishes
    ]
    made = [row[0] for row in cursor(session).execute(INSERT, (now, by.ref, *columns(rows, 6))).fetchall()]
    for row in rows:
        after = {"category": row[1], "parameter": row[3], "blocks": row[4], "effective_from": row[5].isoformat()}
        record(session, by, "validation_rule.add", f"validation_rule:{row[0]}", None, after, None, row[2])
    after_all = {one.id: one for one in settings(session, now=now)}
    return [after_all[id_] for id_ in made]


def retire_rules(
    session: Session, ids: Sequence[int], *, by: Actor, now: datetime, within: Collection[int] | None = None
) -> None:
    """Hold items to rules no longer, all or none: Refused names those that are not there.

    With `within` only rules of these entities, none of the group.
    """
    take_turn(session)
    known = {one.id: one for one in settings(session, now=now) if within is None or one.entity_id in within}
    errors = [
        FieldError(index, "id", "there is no such rule in force", str(id_))
        for index, id_ in enumerate(ids)
        if id_ not in known
    ]
    if errors:
        raise Refused(errors)
    cursor(session).execute(
        "UPDATE master_data.rule_setting SET retired_at = greatest(%s, effective_from) WHERE id = ANY(%s)",
        (now, list(ids)),
    )
    for id_ in ids:
        one = known[id_]
        before = {"category": one.category, "parameter": one.parameter, "blocks": one.blocks}
        record(session, by, "validation_rule.retire", f"validation_rule:{one.rule}", before, None, None, one.entity_id)


def broken_by(
    items: Iterable[Item],
    held: Sequence[Setting],
    known: Mapping[str, ValidationRule],
    categories: Mapping[str, Category],
    *,
    now: datetime,
    entity_codes: Mapping[int, str],
) -> list[Broken]:
    """Return what items break of the rules in force; of one rule the most specific setting holds, entity before category."""
    in_force = [one for one in held if one.effective_from <= now and one.rule in known]
    found: list[Broken] = []
    lines: dict[str | None, tuple[str | None, ...]] = {}
    for item in items:
        if item.category not in lines:
            lines[item.category] = _line(item.category, categories)
        chosen: dict[str, tuple[tuple[bool, int], Setting]] = {}
        for one in in_force:
            if one.category not in lines[item.category]:
                continue
            if one.entity_id is not None and entity_codes.get(one.entity_id) not in item.entities:
                continue
            rank = (one.entity_id is not None, -lines[item.category].index(one.category))
            if one.rule not in chosen or rank > chosen[one.rule][0]:
                chosen[one.rule] = (rank, one)
        for _, setting in chosen.values():
            rule = known[setting.rule]
            message = rule.check(item, setting.parameter)
            if message is not None:
                found.append(Broken(item.id, rule.name, rule.field, message, rule.points, setting.blocks))
    return found


def _line(category: str | None, categories: Mapping[str, Category]) -> tuple[str | None, ...]:
    """Return a category, those above it, and None for all: the more specific first."""
    line: list[str | None] = []
    while category is not None and category in categories and category not in line:
        line.append(category)
        category = categories[category].parent
    return (*line, None)


def _faults(
    session: Session,
    index: int,
    wish: NewSetting,
    known: Mapping[str, ValidationRule],
    categories: Mapping[str, Category],
) -> Iterable[FieldError]:
    rule = known.get(wish.rule)
    if rule is None:
        yield FieldError(index, "rule", f"there is no such rule; known are {', '.join(known)}", wish.rule)
    elif wish.parameter.strip() and rule.parameter is None:
        yield FieldError(index, "parameter", "this rule takes none", wish.parameter)
    elif (message := rule.fault(wish.parameter)) is not None:
        yield FieldError(index, "parameter", message, wish.parameter)
    if len(wish.parameter) > PARAMETER_CHARACTERS_MAX or not wish.parameter.isprintable():
        message = f"at most {PARAMETER_CHARACTERS_MAX} characters, none of them a control character"
        yield FieldError(index, "parameter", message, wish.parameter)
    if wish.category is not None and wish.category not in categories:
        yield FieldError(index, "category", "there is no such category", wish.category)
    if wish.entity_id is not None and wish.entity_id not in context(session).entities:
        yield FieldError(index, "entity", "there is no such entity within reach", str(wish.entity_id))
