"""Many decisions at once: of one kind, and no larger than one may pass without a second look."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.approvals.models import Approval as Row
from onhand.approvals.services.deciding import Decision, decide
from onhand.approvals.services.outcomes import Decided, Refused
from onhand.policies.book import Where
from onhand.policies.services import resolve

__all__ = ["BULK_MAX", "decide_bulk"]

BULK_MAX = 200
AMOUNT_MAX = "approvals.bulk_amount_max"


def decide_bulk(
    session: Session, decisions: Sequence[Decision], *, by: Actor, now: datetime
) -> list[Decided | Refused]:
    """Decide on many approvals of one kind, each for itself, answered in order.

    Consent is refused for what weighs more than the policy's amount: that is looked at on its own page. Of several kinds
    all are refused, and nothing is done.
    """
    query = select(Row.id, Row.kind, Row.entity_id, Row.location_id, Row.weighed_amount_minor, Row.version)
    found = {row.id: row for row in session.execute(query.where(Row.id.in_({each.id for each in decisions})))}
    kinds = sorted({row.kind for row in found.values()})
    if len(kinds) > 1:
        detail = f"these are of several kinds ({', '.join(kinds)}): choose those of one"
        return [Refused("invalid", detail, each.id, each.version) for each in decisions]
    refused: dict[int, Refused] = {}
    for position, decision in enumerate(decisions):
        row = found.get(decision.id)
        if row is None or decision.verdict != "approve":
            continue
        limit = int(resolve(session, AMOUNT_MAX, Where(location_id=row.location_id, entity_id=row.entity_id), at=now))
        if row.weighed_amount_minor > limit:
            detail = f"its amount, with what it was added up with, is {row.weighed_amount_minor}, above {limit} (minor units): look at it on its own page"
            refused[position] = Refused("bulk_limit", detail, row.id, row.version)
    wanted = [each for position, each in enumerate(decisions) if position not in refused]
    answers = iter(decide(session, wanted, by=by, now=now))
    return [refused[position] if position in refused else next(answers) for position in range(len(decisions))]
