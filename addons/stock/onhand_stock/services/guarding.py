"""Guards: before balances are locked, those who may object to intents are asked."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_stock.kinds import Rules
from onhand_stock.movements import Group, Objection

__all__ = ["objections_to"]


def objections_to(
    session: Session, groups: Sequence[Group], rules: Rules, now: datetime
) -> dict[int, tuple[Objection, ...]]:
    """Return who objects to which group, by its place in the list; empty where nobody guards.

    Only intents are asked about: what happened is posted, and what undoes an entry has its original's consent. Guards of
    an entity are asked once, about all of its groups. An objection to a key that was not asked about is a mistake, and
    raises.
    """
    addons = context(session).addons
    if not addons.manager.hook.may_move.get_hookimpls():
        return {}
    if rules.facts.issuperset([move.kind for group in groups for move in group.moves]):
        return {}
    asked: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        if group.reverses is None and any(move.kind not in rules.facts for move in group.moves):
            asked.setdefault(group.moves[0].entity_id, []).append(place)
    found: dict[int, tuple[Objection, ...]] = {}
    for entity_id, places in sorted(asked.items()):
        caller = addons.caller("may_move", entity_id, now)
        if caller is None:
            continue
        told: Iterable[list[Objection] | None] = caller(
            session=session, groups=[groups[place] for place in places], now=now
        )
        by_key: dict[str, list[Objection]] = {groups[place].key: [] for place in places}
        for objection in (one for some in told for one in some or ()):
            by_key[objection.key].append(objection)
        found |= {place: tuple(by_key[groups[place].key]) for place in places if by_key[groups[place].key]}
    return found
