"""The real world: the suite itself, asked through its verbs in real transactions, under a clock of ours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from onhand.actors import Actor
from onhand.db import cursor
from onhand.jobs import drain
from onhand_channels.api import Delivery, take_in
from onhand_exceptions.jobs import check_open, find_missing
from onhand_reservations import api as reservations
from onhand_reservations.services.expiry import make_room
from onhand_stock.api import Count as Counting
from onhand_stock.api import balances, count, history

from scenarios import asks
from scenarios.asks import Answer, Ask, Done, Granted, Refused, Seen, Told
from scenarios.doors import Book, Inboxed, Record, Store
from scenarios.plot import SLOT_MINUTES
from scenarios.story import STORE, WEB

__all__ = ["Real", "Verbs"]

CLERK = Actor.system("store-clerk")
RANK_SECONDS = 20
LIST_MAX = 500
EXCEPTIONS = """
SELECT e.item_id, e.status = 'open', e.owner_user_id, ARRAY[e.sku, e.location],
  (SELECT array_agg(v.kind) FROM exceptions.evidence v WHERE v.exception_id = e.id), e.count,
  ARRAY(SELECT o.evidence ->> 'document' FROM exceptions.occurrence o
        WHERE o.exception_id = e.id AND o.evidence ? 'document' ORDER BY 1)
FROM exceptions.exception e WHERE e.item_id = ANY(%s::int[]) ORDER BY e.id
"""
HOLDS = """
SELECT l.item_id, h.status, l.fulfilled FROM reservations.hold h JOIN reservations.hold_line l ON l.hold_id = h.id
WHERE l.item_id = ANY(%s::int[]) ORDER BY h.id
"""
LEDGER = """
SELECT item_id, array_agg(trigger ORDER BY trigger) FILTER (WHERE from_state = 'shortage'),
  count(*) FILTER (WHERE kind = 'count_correction')
FROM stock.movement WHERE item_id = ANY(%s::int[]) GROUP BY 1
"""


class Real:
    """What both ways into the suite share: reading the books, and the work behind the doors."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.manager = store.manager.id
        self.ids: dict[str, int] = {}

    def stock(self, how_many: int) -> list[str]:
        self.ids = self.store.stock(how_many)
        return list(self.ids)

    def settle(self) -> None:
        with self.store.site.app.app_context():
            drained = drain(120.0)
        assert (drained.failed, drained.parked) == (0, 0), drained

    def close(self) -> None:
        self.settle()
        with self.store.site.app.app_context():
            check_open([self.store.entity.id])
            find_missing([self.store.entity.id])

    def books(self, skus: Sequence[str]) -> Mapping[str, Book]:
        def read(session: Any, _: datetime) -> dict[int, Book]:
            found: dict[int, Book] = {}
            for start in range(0, len(ids), LIST_MAX):
                for row in balances(session, [self.store.entity.id], item_ids=ids[start : start + LIST_MAX]):
                    states = row.states
                    assert row.on_hand == states["available"] + states["reserved"] - states["shortage"], states
                    found[row.item_id] = Book(states["available"], states["reserved"], states["shortage"])
            return found

        ids = [self.ids[sku] for sku in skus]
        found = self._run(read)
        return {sku: found.get(self.ids[sku], Book(0, 0, 0)) for sku in skus}

    def records(self, skus: Sequence[str]) -> Mapping[str, Record]:
        ids = [self.ids[sku] for sku in skus]

        def read(session: Any, _: datetime) -> dict[int, Record]:
            inbox: dict[int, list[Inboxed]] = defaultdict(list)
            for item_id, is_open, owner, names, kinds, reports, documents in cursor(session).execute(
                EXCEPTIONS, (ids,)
            ):
                one = Inboxed(is_open, owner, tuple(names), frozenset(kinds), reports, tuple(documents))
                inbox[item_id].append(one)
            holds: dict[int, list[tuple[str, int]]] = defaultdict(list)
            for item_id, status, fulfilled in cursor(session).execute(HOLDS, (ids,)):
                holds[item_id].append((status, fulfilled))
            ledger = {row[0]: (tuple(row[1] or ()), row[2]) for row in cursor(session).execute(LEDGER, (ids,))}
            return {
                item_id: Record(tuple(inbox[item_id]), tuple(holds[item_id]), *ledger.get(item_id, ()))
                for item_id in ids
            }

        found = self._run(read)
        return {sku: found[self.ids[sku]] for sku in skus}

    def _run(self, command: Any) -> Any:
        return self.store.site.transact(command, [self.store.entity])


class Verbs(Real):
    """Every ask of a kind in one transaction and one call of its verb, at the time of the story's day."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.opened = datetime.now(UTC)
        self.now = self.opened

    def moment(self, slot: int, rank: int) -> datetime:
        self.now = self.opened + timedelta(minutes=slot * SLOT_MINUTES, seconds=rank * RANK_SECONDS)
        return self.now

    def clock(self) -> datetime:
        return self.now

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        verb = getattr(self, f"_{type(asks[0]).__name__.lower()}")
        answers: list[Answer] = verb(asks)
        return answers

    def sweep(self) -> datetime:
        while self._at(lambda session, now: reservations.expire_due(session, by=CLERK, now=now)):
            pass
        return self.now

    def _at(self, command: Any) -> Any:
        return self._run(lambda session, _: command(session, self.now))

    def _hold(self, wishes: Sequence[asks.Hold]) -> list[Answer]:
        channel = self.store.channels[WEB]
        wanted = [
            reservations.HoldRequest(
                channel, one.reference, (reservations.WantedLine(one.sku, 1, STORE),), one.ttl_seconds
            )
            for one in wishes
        ]
        answers = self._at(lambda session, now: reservations.hold(session, wanted, by=CLERK, now=now))
        again = [place for place, one in enumerate(answers) if getattr(one, "curable", False)]
        if again:  # as the door does: expired holds stand in the way, and make room for a second try
            second = [wanted[place] for place in again]
            self._at(lambda session, now: make_room(session, second, by=CLERK, now=now))
            tried = self._at(lambda session, now: reservations.hold(session, second, by=CLERK, now=now))
            for place, answer in zip(again, tried, strict=True):
                answers[place] = answer
        return [
            Granted(one.id, one.expires_at) if isinstance(one, reservations.Hold) else Refused(type(one).__name__)
            for one in answers
        ]

    def _confirm(self, wishes: Sequence[asks.Confirm]) -> list[Answer]:
        return self._change("confirm", [reservations.Change(one.hold) for one in wishes])

    def _release(self, wishes: Sequence[asks.Release]) -> list[Answer]:
        return self._change("release", [reservations.Change(one.hold, event=one.why) for one in wishes])

    def _fulfil(self, wishes: Sequence[asks.Fulfil]) -> list[Answer]:
        return self._change("fulfil", [reservations.Change(one.hold) for one in wishes])

    def _change(self, verb: str, changes: Sequence[reservations.Change]) -> list[Answer]:
        answers = self._at(lambda session, now: getattr(reservations, verb)(session, changes, by=CLERK, now=now))
        return [Refused(one.reason) if isinstance(one, reservations.NotAllowed) else Done() for one in answers]

    def _tell(self, told: Sequence[asks.Tell]) -> list[Answer]:
        deliveries = [
            Delivery(
                self.store.channels[one.channel], [msgspec.Raw(msgspec.json.encode(event)) for event in one.events]
            )
            for one in told
        ]
        outcomes = self._at(lambda session, now: take_in(session, deliveries, by=CLERK, now=now))
        return [Told(tuple(one.outcome for one in each)) for each in outcomes]

    def _position(self, asked: Sequence[asks.Position]) -> list[Answer]:
        def read(session: Any, _: datetime) -> list[Answer]:
            entries = [history(session, [self.store.entity.id], self.ids[one.sku], limit=1) for one in asked]
            return [Seen(found[0].id if found else None) for found in entries]

        found: list[Answer] = self._at(read)
        return found

    def _count(self, counted: Sequence[asks.Count]) -> list[Answer]:
        counts = [
            Counting(
                self.store.entity.id,
                self.ids[one.sku],
                self.store.location_id,
                one.counted,
                one.counted_at,
                one.position,
            )
            for one in counted
        ]
        self._at(lambda session, now: count(session, counts, by=CLERK, now=now, source="counts"))
        return [Done()] * len(counts)
