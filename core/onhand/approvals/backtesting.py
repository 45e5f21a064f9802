"""Back-tests of who must agree: recorded requests are put before the rules once more, in the order in which they came."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.approvals.kinds import ApprovalRequest
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.services.rules import RuleChange, checked_rules
from onhand.approvals.services.weighing import SPLIT_HOURS, Alike, RuleBook, Weight, alike
from onhand.contributions import ApprovalKind, BacktestResult, BacktestRow, PolicyBacktest, PolicyTrial
from onhand.db import cursor, int_array, text_array
from onhand.policies.book import Where
from onhand.policies.services import resolve
from onhand.transaction import context

__all__ = ["ASKED_MAX", "BACKTESTS", "DAYS_MAX", "SECONDS_MAX", "backtest_rules"]

ASKED_MAX = 20_000
DAYS_MAX = 90
ROWS_MAX = 100
SECONDS_MAX = 10
# Those asked for in the window before are read too: they were added up with what followed them.
ASKED = """
/* approvals.backtest_asked */
SELECT id, kind, title, entity_id, location_id, subject, quantity, amount_minor, currency, fields, requester, asked_at,
  CASE WHEN status IN ('rejected', 'withdrawn') THEN decided_at END
FROM onhand.approval
WHERE (entity_id = ANY(%(entities)s::int[]) OR entity_id IS NULL AND %(group)s) AND kind = ANY(%(kinds)s::text[])
  AND asked_at > %(before)s AND asked_at <= %(until)s
ORDER BY asked_at DESC, id DESC LIMIT %(most)s
"""


class _Asked(NamedTuple):
    """A recorded request, and when it was given up or turned down: from then on it counts no more."""

    id: UUID
    request: ApprovalRequest
    requester: str
    at: datetime
    gone_at: datetime | None


@dataclass
class _Desk:
    """One set of rules and one window against splitting, working through requests in their order."""

    book: RuleBook
    kinds: Mapping[str, ApprovalKind]
    hours: Callable[[Where], int]
    seen: dict[tuple[str, Alike], deque[_Asked]] = field(default_factory=dict)

    def consents(self, asked: _Asked) -> str:
        """Return whose consent a request needs, as people say it."""
        request = asked.request
        window = timedelta(hours=self.hours(Where(location_id=request.location_id, entity_id=request.entity_id)))
        recent = self.seen.setdefault((asked.requester, alike(request)), deque())
        while recent and recent[0].at <= asked.at - window:
            recent.popleft()
        recent.append(asked)
        counted = [one.request for one in recent if one.gone_at is None or one.gone_at > asked.at or one is asked]
        weight = Weight(
            sum(abs(one.quantity or 0) for one in counted),
            sum(abs(one.amount_minor or 0) for one in counted),
            request.currency,
        )
        steps = self.book.steps(self.kinds, request, weight)
        return ", then ".join(step.role.replace("_", " ") for step in steps) or "nobody: done at once"


def backtest_rules(session: Session, change: RuleChange, *, now: datetime, days: int) -> BacktestResult:
    """Put the requests of the last days before the rules in force, and before them as a change would have them.

    Writes nothing. Covers the entity of the change; for the group's rules all entities of the transaction and the group's
    own requests. RuleRefused for rules that cannot be. Bounded by rows, which it says, and by `SECONDS_MAX`, beyond which
    the database cancels it.
    """
    if not 1 <= days <= DAYS_MAX:
        raise ValueError(f"days is 1 to {DAYS_MAX}")
    checked, retired = checked_rules(session, change)
    added = [ApprovalRule(entity_id=change.entity_id, **asdict(rule)) for rule in checked.add]
    kinds = kinds_of(session)
    wanted = {rule.kind for rule in (*added, *retired)} & set(kinds)
    if any(kinds[name].fields for name in wanted):
        # what touches a field of one kind may have been asked for as another
        wanted |= {name for name, kind in kinds.items() if kind.fields}
    live = RuleBook.read(session, wanted)
    draft = live.drafted(added, [rule.id for rule in retired])
    is_group = change.entity_id is None
    entities = context(session).entities if change.entity_id is None else (change.entity_id,)

    def hours(where: Where) -> int:
        return int(resolve(session, SPLIT_HOURS, where, at=now))

    desks = _Desk(live, kinds, hours), _Desk(draft, kinds, hours)
    cursor(session).execute("SELECT set_config('statement_timeout', %s, true)", (f"{SECONDS_MAX}s",))
    return _replayed(
        session, desks, entities, wanted, now - timedelta(days=days), now, is_group=is_group, rows_max=ROWS_MAX
    )


def _splitting(session: Session, trial: PolicyTrial) -> BacktestResult:
    """Add recorded requests up within both windows: who would have had to agree."""
    kinds = kinds_of(session)
    book = RuleBook.read(session, kinds)
    live, draft = (
        _Desk(book, kinds, lambda where, read=read: int(read(SPLIT_HOURS, where)))  # type: ignore[misc]  # mypy infers no lambda with defaults
        for read in (trial.live, trial.draft)
    )
    return _replayed(
        session, (live, draft), trial.entities, kinds, trial.since, trial.until, is_group=True, rows_max=trial.rows_max
    )


def _replayed(
    session: Session,
    desks: tuple[_Desk, _Desk],
    entities: Sequence[int],
    kinds: Collection[str],
    since: datetime,
    until: datetime,
    *,
    is_group: bool,
    rows_max: int,
) -> BacktestResult:
    """Return the requests since then for which the second desk asks for other consents than the first."""
    windows = [desk.hours(Where(entity_id=entity)) for desk in desks for entity in (*entities, None)]
    arguments = {
        "entities": int_array(entities),
        "group": is_group,
        "kinds": text_array(kinds),
        "before": since - timedelta(hours=max(windows)),
        "until": until,
        "most": ASKED_MAX,
    }
    rows = cursor(session).execute(ASKED, arguments).fetchall()
    asked = [_asked(*row) for row in reversed(rows)]
    found: list[tuple[_Asked, str, str]] = []
    for one in asked:
        was, would = (desk.consents(one) for desk in desks)
        if was != would and one.at > since:
            found.append((one, was, would))
    amounts = [abs(one.request.amount_minor) for one, *_ in found if one.request.amount_minor is not None]
    is_one_currency = len({one.request.currency for one, *_ in found if one.request.currency}) == 1
    notes = [f"The newest {ASKED_MAX} requests count."] if len(asked) == ASKED_MAX else []
    if amounts and not is_one_currency:
        notes.append("Amounts are in several currencies, and not added up.")
    return BacktestResult(
        examined=sum(one.at > since for one in asked),
        different=len(found),
        rows=tuple(_row(*one, is_one_currency) for one in found[: -rows_max - 1 : -1]),
        quantity=sum(abs(one.request.quantity or 0) for one, *_ in found),
        amount_minor=sum(amounts) if amounts and is_one_currency else None,
        notes=tuple(notes),
    )


def _asked(
    id_: UUID,
    kind: str,
    title: str,
    entity_id: int | None,
    location_id: int | None,
    subject: str | None,
    quantity: int | None,
    amount_minor: int | None,
    currency: str | None,
    fields: list[str],
    requester: str,
    at: datetime,
    gone_at: datetime | None,
) -> _Asked:
    request = ApprovalRequest(
        kind, str(id_), title, entity_id, location_id, subject=subject, quantity=quantity, amount_minor=amount_minor,
        currency=currency, fields=tuple(fields),
    )  # fmt: skip
    return _Asked(id_, request, requester, at, gone_at)


def _row(asked: _Asked, was: str, would: str, has_money: bool) -> BacktestRow:
    request = asked.request
    amount = abs(request.amount_minor) if has_money and request.amount_minor is not None else None
    return BacktestRow(
        request.title, f"/approvals/{asked.id}", was, would, None if request.quantity is None else abs(request.quantity), amount
    )  # fmt: skip


BACKTESTS = (PolicyBacktest("Recorded requests for consent", (SPLIT_HOURS,), _splitting),)
