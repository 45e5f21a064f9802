"""Which rules a request falls under: thresholds are inclusive, and what one person splits is added up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.approvals.kinds import ApprovalRequest
from onhand.approvals.models import ApprovalRule
from onhand.contributions import ApprovalKind, ApprovalTier
from onhand.db import cursor, int_array, text_array, time_array
from onhand.policies.book import Where
from onhand.policies.services import resolve_many

__all__ = [
    "SPLIT_HOURS", "Alike", "RuleBook", "Step", "Totals", "Weight", "alike", "kind_and_field", "reaches", "touched", "weights_anew",
]  # fmt: skip

SPLIT_HOURS = "approvals.split_hours"
# By size, not by sign: plus forty and minus forty in one afternoon are eighty moved.
RECENT = """
/* approvals.recent */ SELECT alike.position::int, coalesce(sum(abs(past.quantity)), 0)::bigint,
  coalesce(sum(abs(past.amount_minor)) FILTER (WHERE past.currency IS NOT DISTINCT FROM alike.currency), 0)::bigint
FROM unnest(%(kinds)s::text[], %(entities)s::int[], %(locations)s::int[], %(subjects)s::text[], %(currencies)s::text[],
    %(since)s::timestamptz[], %(requesters)s::text[], %(own)s::uuid[])
  WITH ORDINALITY AS alike(kind, entity_id, location_id, subject, currency, since, requester, own, position)
JOIN onhand.approval AS past ON past.requester = alike.requester AND past.kind = alike.kind AND past.asked_at > alike.since
  AND past.entity_id IS NOT DISTINCT FROM alike.entity_id AND past.location_id IS NOT DISTINCT FROM alike.location_id
  AND past.subject IS NOT DISTINCT FROM alike.subject AND past.status IN ('pending', 'approved', 'returned')
  AND past.id <> ALL(%(besides)s::uuid[]) AND past.id IS DISTINCT FROM alike.own
GROUP BY alike.position
"""
Alike = tuple[str, int | None, int | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Weight:
    """What rules are asked for: sizes, without sign."""

    quantity: int = 0
    amount_minor: int = 0
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One consent that is needed: of a person with this role, in this turn."""

    tier: int
    role: str


class RuleBook:
    """The rules in force, read once per command.

    For each field that a request touches, the rules for that field count, else those for its kind as a whole; of these
    those of the most specific place that has any: the location's, else the entity's, else the group's; else the tiers the
    kind itself comes with. Of these, every one whose threshold is reached adds its step.
    """

    def __init__(self, rules: Iterable[ApprovalRule]) -> None:
        self._rules: dict[tuple[str, str | None, int | None, int | None], list[ApprovalRule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.kind, rule.field, rule.entity_id, rule.location_id), []).append(rule)

    @classmethod
    def read(cls, session: Session, kinds: Collection[str]) -> "RuleBook":
        """Return the rules in force for some kinds, within the transaction's scope."""
        query = select(ApprovalRule).where(ApprovalRule.kind.in_(kinds), ApprovalRule.retired_at.is_(None))
        return cls(session.scalars(query))

    def drafted(self, add: Iterable[ApprovalRule], retire: Collection[int]) -> "RuleBook":
        """Return another book as it would be with rules added and some, by their numbers, retired."""
        kept = [rule for rules in self._rules.values() for rule in rules if rule.id not in retire]
        return RuleBook([*kept, *add])

    def steps(self, kinds: Mapping[str, ApprovalKind], request: ApprovalRequest, weight: Weight) -> list[Step]:
        """Return the consents a request needs, in their order; none: it takes effect at once."""
        found = {
            Step(rule.tier, rule.role)
            for name in request.fields or (request.kind,)
            for rule in self.holding(kinds, name, request.entity_id, request.location_id)
            if reaches(weight, rule.amount_from_minor, rule.quantity_from, getattr(rule, "currency", None))
        }
        return sorted(found, key=lambda step: (step.tier, step.role))

    def holding(
        self, kinds: Mapping[str, ApprovalKind], name: str, entity_id: int | None, location_id: int | None = None
    ) -> Sequence[ApprovalRule | ApprovalTier]:
        """Return what holds at a place for a kind, or for one field of it: rules, or the tiers it comes with."""
        kind, field = kind_and_field(kinds, name)
        places = ((entity_id, location_id), (entity_id, None), (None, None))
        for part in dict.fromkeys((field, None)):
            for place in places:
                if rules := self._rules.get((kind, part, *place)):
                    return rules
        return kinds[kind].tiers


def kind_and_field(kinds: Collection[str], name: str) -> tuple[str, str | None]:
    """Take `<kind>.<field>` apart; what names a kind as a whole has no field."""
    if name in kinds:
        return name, None
    kind, _, field = name.rpartition(".")
    return kind, field


def touched(requests: Iterable[ApprovalRequest], kinds: Collection[str]) -> set[str]:
    """Return the kinds whose rules requests fall under."""
    return {kind_and_field(kinds, name)[0] for request in requests for name in request.fields or (request.kind,)}


def reaches(weight: Weight, amount_from: int | None, quantity_from: int | None, currency: str | None = None) -> bool:
    """Return whether a threshold is reached (inclusive); with none set it always is.

    An amount in another currency than the rule's cannot be compared, so it counts as reaching it: better one pair of
    eyes too many.
    """
    if amount_from is None and quantity_from is None:
        return True
    if quantity_from is not None and weight.quantity >= quantity_from:
        return True
    if amount_from is None or weight.currency is None:
        return False
    return weight.amount_minor >= amount_from or (currency is not None and currency != weight.currency)


class Totals:
    """What one person asked for within the window of the policy, per kind, place and subject; read in one statement.

    `besides`: approvals that do not count, since it is they that are asked anew.
    """

    def __init__(
        self,
        session: Session,
        requests: Sequence[ApprovalRequest],
        requester: str,
        *,
        now: datetime,
        besides: Sequence[UUID] = (),
    ) -> None:
        places = list(dict.fromkeys(map(alike, requests)))
        sums = _recent(session, [(place, requester, None) for place in places], besides, now)
        self._sums = dict(zip(places, sums, strict=True))

    def weigh(self, request: ApprovalRequest) -> Weight:
        """Return a request's weight together with what went before it."""
        return _weight(request, self._sums[alike(request)])

    def add(self, request: ApprovalRequest) -> None:
        """Count a request for those that follow it."""
        weight = self.weigh(request)
        self._sums[alike(request)] = (weight.quantity, weight.amount_minor)


def weights_anew(
    session: Session, asked: Sequence[tuple[ApprovalRequest, str, UUID]], *, now: datetime
) -> list[Weight]:  # fmt: skip
    """Return what weight requests have that their approvals come to by now: (request, requester, approval) each.

    Each is weighed together with what else its requester asked for; all of it is read in one statement.
    """
    sums = _recent(session, [(alike(request), requester, own) for request, requester, own in asked], (), now)
    return [_weight(request, sum_) for (request, _, _), sum_ in zip(asked, sums, strict=True)]


def _weight(request: ApprovalRequest, before: tuple[int, int]) -> Weight:
    quantity, amount = before
    return Weight(quantity + abs(request.quantity or 0), amount + abs(request.amount_minor or 0), request.currency)


def _recent(
    session: Session, asked: Sequence[tuple[Alike, str, UUID | None]], besides: Sequence[UUID], now: datetime
) -> list[tuple[int, int]]:  # fmt: skip
    """Return what was asked for alike within the window, quantity and amount: but for `besides`, and each one's own."""
    places = [place for place, _, _ in asked]
    where = [Where(location_id=place, entity_id=entity) for _, entity, place, _, _ in places]
    hours = resolve_many(session, SPLIT_HOURS, where, at=now)
    values: dict[str, Any] = {
        "kinds": text_array(each[0] for each in places),
        "entities": int_array(each[1] for each in places),
        "locations": int_array(each[2] for each in places),
        "subjects": text_array(each[3] for each in places),
        "currencies": text_array(each[4] for each in places),
        "since": time_array(now - timedelta(hours=int(each)) for each in hours),
        "requesters": text_array(requester for _, requester, _ in asked),
        "own": [own for _, _, own in asked],
        "besides": list(besides),
    }
    found = {row[0]: (row[1], row[2]) for row in cursor(session).execute(RECENT, values)}
    return [found.get(position, (0, 0)) for position in range(1, len(asked) + 1)]


def alike(request: ApprovalRequest) -> Alike:
    """Return what requests of one person must agree in to be added up."""
    return (request.kind, request.entity_id, request.location_id, request.subject, request.currency)
