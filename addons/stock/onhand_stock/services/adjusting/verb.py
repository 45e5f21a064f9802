"""The verb: ask for adjustments. Policy decides what is done at once, what is counted again, what others must agree to."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from onhand.actors import Actor
from onhand.approvals.api import Asked, ask
from onhand.policies.book import Where
from onhand.reasons.api import BadReason, check, reasons
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_stock.kinds import ADJUSTABLE, ASKED_KINDS
from onhand_stock.models import Adjustment
from onhand_stock.queries import balances
from onhand_stock.services.adjusting import rows
from onhand_stock.services.adjusting.approving import requests_of
from onhand_stock.services.adjusting.asks import Adjust, Adjusted, NotAdjusted, Outlook, Why, kind_for
from onhand_stock.services.adjusting.carrying import carry_out, fault_of
from onhand_stock.services.adjusting.weighing import places_of, route, values_of
from onhand_stock.states import STATES

__all__ = ["adjust", "foresee", "person_behind", "send_on"]

FUTURE_MAX = timedelta(minutes=5)
NOTE_CHARACTERS_MAX = 2_000
VALUE_MAX = 10**15
Answer = Adjusted | NotAdjusted


def adjust(session: Session, requests: Sequence[Adjust], *, by: Actor, now: datetime, source: str) -> list[Answer]:
    """Take up each request, or refuse it and say why; answered one by one, in the order given.

    A request names the units that were seen: where the state holds something else by now it is refused with the number
    of now, and nothing of it is done. Within tolerance it is posted at once for those who may adjust; a large correction
    of the shelf is counted again first; everything else waits for the approvals that the rules demand, or is posted
    where none is. What is posted is a finding, hence a fact: it may take `available` to 0, and the rest is shortage.
    Of one state of one shelf only the first of a list is taken up. The same id again returns what became of it.
    """
    answers, fresh, places = _judge(session, requests, by=by, now=now, source=source)
    ways = route(session, list(fresh.values()), [places[position] for position in fresh], now)
    for row, way in zip(fresh.values(), ways, strict=True):
        row.status = "recount" if way == "recount" else "waiting"
    rows.add(session, list(fresh.values()))
    sent = send_on(session, list(zip(fresh.values(), ways, strict=True)), by=by, now=now)
    answers |= dict(zip(fresh, sent, strict=True))
    return [answers[position] for position in range(len(requests))]


def foresee(session: Session, requests: Sequence[Adjust], *, by: Actor, now: datetime) -> list[Outlook | NotAdjusted]:
    """Say what would become of each request if it were sent now. Nothing is written."""
    answers, fresh, places = _judge(session, requests, by=by, now=now, source="foreseen")
    ways = route(session, list(fresh.values()), [places[position] for position in fresh], now)
    seen = {
        position: Outlook(row.id, way, row.kind, row.value_minor)
        for (position, row), way in zip(fresh.items(), ways, strict=True)
    }
    return [seen[position] if position in seen else _refused(answers[position]) for position in range(len(requests))]


def send_on(session: Session, routed: Sequence[tuple[Adjustment, str]], *, by: Actor, now: datetime) -> list[Answer]:
    """Send rows that are in the table on their way, and keep what became of them; those that could not go are dropped.

    Approvals first, since they take their own locks; balances are locked after them.
    """
    refused: dict[UUID, NotAdjusted] = {}
    waiting = [row for row, way in routed if way == "approval"]
    if waiting:
        answers = ask(session, requests_of(session, waiting), by=by, now=now)
        for row, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Asked):
                row.approval_id = answer.id
                if answer.status == "approved":
                    row.status, row.posted_at = "posted", now
            else:
                refused[row.id] = NotAdjusted(row.id, "approval", "reason", answer.detail)
                row.status, row.outcome = "dropped", answer.detail
    at_once = [row for row, way in routed if way == "at_once"]
    if at_once:
        for row, fault in zip(at_once, carry_out(session, at_once, by=by, now=now), strict=True):
            if fault is not None:
                refused[row.id] = NotAdjusted(row.id, _why(fault[0]), "expected", fault[1])
                row.status, row.outcome = "dropped", fault[1]
    rows.keep(session, [*waiting, *at_once])
    return [refused.get(row.id) or adjusted(row) for row, _ in routed]


def adjusted(row: Adjustment) -> Adjusted:
    """Return a row as the answer to who asked."""
    return Adjusted(
        row.id, row.status, row.kind, row.delta, row.value_minor, row.approval_id, row.outcome  # type: ignore[arg-type]  # a column of checked words
    )  # fmt: skip


def person_behind(by: Actor) -> str:
    """Return in whose name requests are added up: the person's, through tokens too."""
    return by.ref if by.kind != "token" or by.user_id is None else f"user:{by.user_id}"


def _judge(
    session: Session, requests: Sequence[Adjust], *, by: Actor, now: datetime, source: str
) -> tuple[dict[int, Answer], dict[int, Adjustment], list[Where]]:
    """Return, by position, answers to what is refused or known, and rows for what is new; and the places of all."""
    known = {
        row.id: row for row in session.scalars(select(Adjustment).where(Adjustment.id.in_([r.id for r in requests])))
    }
    allowed = {code.code: code.kinds for code in reasons(session)}
    kinds = [request.kind or kind_for(request.delta, allowed.get(request.reason, ())) for request in requests]
    bad = check(session, [(request.reason, kind) for request, kind in zip(requests, kinds, strict=True)])
    answers: dict[int, Answer] = {}
    fresh: dict[int, Adjustment] = {}
    keys = [(request.entity_id, request.item_id, request.location_id) for request in requests]
    places = places_of(session, keys)
    values = values_of(session, [request.delta for request in requests], places, now)
    units = _units(session, requests)
    seen: set[tuple[int, int, str]] = set()
    for position, request in enumerate(requests):
        if (earlier := known.get(request.id)) is not None:
            answers[position] = _again(earlier, request)
            continue
        fault = _fault(request, kinds[position], bad[position], now)
        shelf = (request.item_id, request.location_id, request.state)
        if fault is None and shelf in seen:
            fault = NotAdjusted(
                request.id, "twice", "sku", "this state of this shelf is in the list before: send one change"
            )
        if fault is None:
            row = _row(request, kinds[position], values[position], by, now, source)
            there = units.get((request.item_id, request.location_id), [0] * len(STATES))
            if (why := fault_of(row, there)) is not None:
                fault = _refusal(row, why, there)
        if fault is not None:
            answers[position] = fault
            continue
        seen.add(shelf)
        fresh[position] = row
    return answers, fresh, places


def _refused(answer: Answer) -> NotAdjusted:
    if isinstance(answer, NotAdjusted):
        return answer
    return NotAdjusted(answer.id, "settled", "id", f"it was sent already and is {answer.status}")


def _again(row: Adjustment, request: Adjust) -> Answer:
    if (row.item_id, row.location_id, row.reason) != (request.item_id, request.location_id, request.reason):
        return NotAdjusted(request.id, "twice", "id", "this id was used before, for something else: use another")
    return adjusted(row)


def _fault(request: Adjust, kind: str, reason: BadReason | None, now: datetime) -> NotAdjusted | None:
    """Return what is wrong with a request in itself."""

    def refuse(field: str, detail: str) -> NotAdjusted:
        return NotAdjusted(request.id, "invalid", field, detail)

    if request.state not in ADJUSTABLE:
        return refuse("state", f"{request.state!r} is not adjusted by hand; what can be: {', '.join(ADJUSTABLE)}")
    if kind not in ASKED_KINDS:
        return refuse("kind", f"{kind!r} is none of {', '.join(ASKED_KINDS)}")
    if not request.delta and not request.value_minor:
        return refuse("delta", "0 changes nothing: give a change of units, or for a markdown a change of value")
    if kind == "markdown" and (request.delta or not request.value_minor):
        return refuse("value_minor", "a markdown changes value and no units: give the change of value, and no quantity")
    if kind != "markdown" and request.value_minor is not None:
        return refuse("value_minor", "only a markdown says by how much value changes; of units it follows")
    if kind == "write_off" and request.delta > 0:
        return refuse("delta", "a write-off takes units away: give a number below 0")
    if abs(request.value_minor or 0) > VALUE_MAX:
        return refuse("value_minor", f"at most {VALUE_MAX}")
    if reason is not None:
        return NotAdjusted(request.id, "reason", "reason", reason.detail)
    if len(request.note) > NOTE_CHARACTERS_MAX:
        return refuse("note", f"at most {NOTE_CHARACTERS_MAX} characters")
    if request.occurred_at is not None and request.occurred_at > now + FUTURE_MAX:
        return refuse("occurred_at", f"it is {now.isoformat()} now")
    return None


def _row(request: Adjust, kind: str, value: int | None, by: Actor, now: datetime, source: str) -> Adjustment:
    return Adjustment(
        id=request.id, entity_id=request.entity_id, item_id=request.item_id, location_id=request.location_id, kind=kind,
        state=request.state, seen=request.expected, delta=request.delta,
        value_minor=request.value_minor if kind == "markdown" else value, reason=request.reason, note=request.note,
        status="waiting", occurred_at=request.occurred_at or now, recorded_at=now, actor=by.ref,
        requester=person_behind(by), source=source, is_trusted=request.is_trusted,
    )  # fmt: skip


def _units(session: Session, requests: Sequence[Adjust]) -> Mapping[tuple[int, int], list[int]]:
    """Return the units per state of the shelves that requests name, as they are just now: nothing is locked yet."""
    entities, items, places = (
        {getattr(request, name) for request in requests} for name in ("entity_id", "item_id", "location_id")
    )
    found = balances(
        session,
        sorted(entities),
        item_ids=sorted(items),
        location_ids=sorted(places),
        limit=len(items) * len(places) + 1,
    )
    return {(row.item_id, row.location_id): [row.states[state] for state in STATES] for row in found}


def _refusal(row: Adjustment, fault: tuple[str, str], units: Sequence[int]) -> NotAdjusted:
    now = units[STATES.index(row.state)]
    return NotAdjusted(row.id, _why(fault[0]), "expected" if fault[0] == "stale" else "delta", fault[1], now)


def _why(name: str) -> Why:
    return "stale" if name == "stale" else "too_many" if name == "too_many" else "objection"
