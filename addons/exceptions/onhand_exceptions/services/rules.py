"""Ownership rules of an entity: kept as versions of one text, asked when exceptions open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from onhand.events import Cause
from onhand.policies.book import Where
from onhand.policies.services import resolve as policy
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_exceptions.kinds import known
from onhand_exceptions.ownership import Rule, Subject, deciding, parse_rules
from onhand_exceptions.services import sql
from onhand_exceptions.services.owners import default_owners, holders
from onhand_exceptions.services.telling import tell
from onhand_exceptions.services.turns import take_turn

__all__ = ["OWNER_ROLE", "Decision", "adopt", "owners_of", "rules_text", "set_rules", "would_own"]

OWNER_ROLE = "exceptions.owner_role"
TEXT_CHARACTERS_MAX = 50_000
ADOPT_MAX = 1_000

LATEST = """
/* exceptions.rules */ SELECT text FROM exceptions.owner_rules WHERE entity_id = %s ORDER BY id DESC LIMIT 1
"""
ADD = """
/* exceptions.rules.add */ INSERT INTO exceptions.owner_rules (entity_id, text, recorded_at, actor, actor_name)
VALUES (%s, %s, %s, %s, %s)
"""
ROLES = "SELECT code FROM onhand.role"
IDS = """SELECT username, id FROM onhand."user" WHERE active AND username = ANY(%s)"""
UNOWNED = """
/* exceptions.unowned */ SELECT id, kind, item_id, location_id, sku, location,
  (SELECT v.latest ->> 'channel' FROM exceptions.evidence AS v WHERE v.exception_id = e.id AND v.kind = e.kind)
FROM exceptions.exception AS e
WHERE entity_id = %s AND status = 'open' AND owner_user_id IS NULL ORDER BY severity DESC, first_seen_at, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who would own an exception, and the line that decides; None for the default: who looks after the place."""

    owner_id: int | None
    rule: Rule | None


def rules_text(session: Session, entity_id: int) -> str:
    """Return the rules of an entity as they were written."""
    row = cursor(session).execute(LATEST, (entity_id,)).fetchone()
    return str(row[0]) if row else ""


def set_rules(session: Session, entity_id: int, text: str, *, by: Actor, now: datetime) -> list[Rule]:
    """Replace the rules of an entity; what is open keeps its owner. BadRule, naming the line, changes nothing.

    Kinds, roles and people must exist. The same text again adds no version.
    """
    text = text[:TEXT_CHARACTERS_MAX]
    loose = parse_rules(text)
    roles = [row[0] for row in cursor(session).execute(ROLES)]
    people = _people(session, loose)
    rules = parse_rules(text, kinds=known(session, entity_id, now), roles=roles, people=people)
    before = rules_text(session, entity_id)
    if text != before:
        cursor(session).execute(ADD, (entity_id, text, now, by.ref, by.name))
        told = {"text": before}, {"text": text}
        audit.record(session, by, "exceptions.set_rules", f"owner_rules:{entity_id}", *told, entity_id=entity_id)
    return rules


def owners_of(
    session: Session, entity_id: int, kind: str, causes: Sequence[Cause], now: datetime
) -> list[int | None]:  # fmt: skip
    """Return who each cause of a kind is given to as its exception opens."""
    subjects = [
        (
            Subject(
                kind=kind,
                location=str(cause.evidence.get("location") or ""),
                item=str(cause.evidence.get("sku") or ""),
                channel=str(cause.evidence.get("channel") or ""),
            ),
            cause.item_id,
            cause.location_id,
        )
        for cause in causes
    ]
    return [decision.owner_id for decision in would_own(session, entity_id, subjects, now)]


def would_own(
    session: Session, entity_id: int, subjects: Sequence[tuple[Subject, int | None, int | None]], now: datetime
) -> list[Decision]:
    """Return who would own each of (subject, item, location), and which rule says so.

    Where no rule matches it is the manager of the location; where there is no location, or no manager, whoever holds
    the role of the policy `exceptions.owner_role` in the entity; else nobody. A rule whose owner is gone counts as one
    that does not match.
    """
    rules = parse_rules(rules_text(session, entity_id))
    subjects = _with_categories(session, entity_id, rules, subjects, now)
    people = _people(session, rules)
    decided = [_decided(rules, subject, people) for subject, _, _ in subjects]
    places = [location_id for _, _, location_id in subjects]
    nearest = _nearest(session, entity_id, decided, places)
    managers = default_owners(session, entity_id, set(places))
    role = str(policy(session, OWNER_ROLE, Where(entity_id=entity_id), at=now))
    fallback = holders(session, entity_id, role, {None}).get(None) if role else None
    decisions: list[Decision] = []
    for rule, place in zip(decided, places, strict=True):
        owner: int | None = None
        if rule is not None and rule.person is not None:
            owner = people[rule.person]
        elif rule is not None and rule.role is not None:
            owner = nearest.get((rule.role, place))
        elif rule is None:
            owner = managers.get(place, fallback)
        decisions.append(Decision(owner, rule))
    return decisions


def adopt(session: Session, entity_id: int, *, by: Actor, now: datetime) -> int:
    """Give what is open and nobody's to whom the rules say, at most a thousand; return how many found an owner."""
    take_turn(session, entity_id)
    rows = cursor(session).execute(UNOWNED, (entity_id, ADOPT_MAX)).fetchall()
    subjects = [
        (Subject(row[1], row[5] or "", row[4] or "", row[6] or ""), row[2], row[3]) for row in rows
    ]  # fmt: skip
    decisions = would_own(session, entity_id, subjects, now) if rows else []
    given = {row[0]: one.owner_id for row, one in zip(rows, decisions, strict=True) if one.owner_id is not None}
    if given:
        cursor(session).execute(sql.ASSIGN, (list(given), list(given.values())))
        told = [(id_, entity_id, "assigned", owner, None) for id_, owner in given.items()]
        tell(session, told, by=by, now=now)
        audit.record(session, by, "exceptions.adopt", f"owner_rules:{entity_id}", None, {"given": len(given)},
                     entity_id=entity_id)  # fmt: skip
    return len(given)


def _people(session: Session, rules: Sequence[Rule]) -> dict[str, int]:
    """Return those whom rules name and who are in the house, by user name."""
    named = [rule.person for rule in rules if rule.person]
    return {row[0]: row[1] for row in cursor(session).execute(IDS, (named,)).fetchall()} if named else {}


def _decided(rules: Sequence[Rule], subject: Subject, people: dict[str, int]) -> Rule | None:
    standing = [rule for rule in rules if rule.person is None or rule.person in people]
    return deciding(standing, subject)


def _nearest(
    session: Session, entity_id: int, decided: Sequence[Rule | None], places: Sequence[int | None]
) -> dict[tuple[str, int | None], int]:
    wanted: dict[str, set[int | None]] = {}
    for rule, place in zip(decided, places, strict=True):
        if rule is not None and rule.role is not None:
            wanted.setdefault(rule.role, set()).add(place)
    return {
        (role, place): person
        for role, where in sorted(wanted.items())
        for place, person in holders(session, entity_id, role, where).items()
    }


def _with_categories(
    session: Session,
    entity_id: int,
    rules: Sequence[Rule],
    subjects: Sequence[tuple[Subject, int | None, int | None]],
    now: datetime,
) -> Sequence[tuple[Subject, int | None, int | None]]:
    """Look categories up, where a rule asks for them."""
    items = sorted({item_id for _, item_id, _ in subjects if item_id is not None})
    if not items or not any(rule.looks_at("category") for rule in rules):
        return subjects
    told: list[tuple[int, str]] = context(session).addons.gather_for(
        "item_categories", entity_id, now, session=session, items=items
    )
    codes: dict[int, tuple[str, ...]] = {}
    for item_id, code in told:
        codes[item_id] = (*codes.get(item_id, ()), code)
    return [
        (Subject(s.kind, s.location, s.item, s.channel, codes.get(item_id or 0, ())), item_id, location_id)
        for s, item_id, location_id in subjects
    ]
