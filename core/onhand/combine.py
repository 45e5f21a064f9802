"""Combining: requests that arrive while a transaction is in flight share the next one.

The threads of a web process that ask the same door for the same entity form a line. The first leads: it takes what
waits, up to a limit, opens one transaction, answers each caller, and hands the lead to one who still waits. There is no
thread of its own, and a caller who is alone runs at once; the busier a door is, the more share one lock and one commit.

A door that only reads may have several leaders at once. Two that write would meet at the locks of what both touch.
"""

import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from onhand.metrics import combined_requests
from onhand.problems import Unavailable
from onhand.transaction import run

__all__ = ["Combiner", "Key", "Outcome"]

LINGER = 0.25
"""How long a busy door waits for those it just answered, as a share of what answering them took."""
Request = TypeVar("Request")
Answer = TypeVar("Answer")
Key = tuple[Hashable, bytes]
"""An idempotency key, with its owner, and the digest of the body it came with."""


class Outcome(NamedTuple, Generic[Answer]):
    """What became of one request: its answer, or the exception in place of one."""

    answer: Answer | None
    error: Exception | None

    def get(self) -> Answer:
        """Return the answer; raise what came in its place."""
        if self.error is not None:
            raise self.error
        return self.answer  # type: ignore[return-value]  # there whenever no error is


class _Gate:
    """Where a thread sleeps until all it asks is answered, or until it is to lead. Changed under the line's lock."""

    __slots__ = ("_lock", "is_leading", "open_calls", "successor")

    def __init__(self, open_calls: int) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()
        self.is_leading = False
        self.open_calls = open_calls
        self.successor: _Call[Any, Any] | None = None

    def sleep(self, seconds: float = -1) -> bool:
        """Return True once woken, False after so long."""
        return self._lock.acquire(timeout=seconds)

    def answered(self) -> None:
        """One of its calls has its answer or its error."""
        self.open_calls -= 1
        if not self.open_calls and not self.is_leading:
            self._lock.release()

    def lead(self, call: "_Call[Any, Any]") -> None:
        """Wake it to lead with one of its calls."""
        self.is_leading, self.successor = True, call
        self._lock.release()


class _Call(Generic[Request, Answer]):
    """One request in line, with its answer once there is one."""

    __slots__ = ("answer", "deadline", "error", "gate", "key", "request", "weight")

    def __init__(
        self,
        request: Request,
        key: Key | None,
        weight: int,
        deadline: float,
        gate: _Gate,
    ) -> None:
        self.request = request
        self.key = key
        self.weight = weight
        self.deadline = deadline
        self.gate = gate
        self.answer: Answer | None = None
        self.error: Exception | None = None


class _Line(Generic[Request, Answer]):
    """The callers of one door for one scope: who waits, and how many are led. Waiting implies that somebody leads.

    A leader who would rather have `wanted` others along sleeps at `gathering` until they have come.
    """

    __slots__ = ("callers", "gathering", "leading", "led", "lingers_until", "lock", "waiting", "wanted")

    def __init__(self) -> None:
        self.callers = 1
        self.gathering = allocate_lock()
        self.gathering.acquire()
        self.leading = 0
        self.led = 0
        self.lingers_until = 0.0
        self.lock = allocate_lock()
        self.waiting: deque[_Call[Request, Answer]] = deque()
        self.wanted = 0

    def come(self, calls: Sequence[_Call[Request, Answer]]) -> None:
        """Let calls wait. Under the lock."""
        self.waiting.extend(calls)
        if self.wanted and len(self.waiting) >= self.wanted:
            self.wanted = 0
            self.gathering.release()

    def gather(self, wanted: int, seconds: float) -> None:
        """Sleep until so many wait, at most for so long. Not under the lock."""
        with self.lock:
            if self.wanted or len(self.waiting) >= wanted:
                return
            self.wanted = wanted
        if not self.gathering.acquire(timeout=seconds):
            with self.lock:
                if not self.wanted:  # they came after all
                    self.gathering.acquire()
                self.wanted = 0


class Combiner(Generic[Request, Answer]):
    """A door that runs one verb for many callers at once.

    `execute(session, requests, now)` answers every request, in order; it may run more than once for the same requests,
    so like every command it has no effect outside its session. Requests of equal `entities_of` share transactions.
    Among those, requests of equal `key` and digest are asked once and told the same answer; the same key with another
    digest is asked in a later transaction, where the verb finds the first one's effect.

    When the shared transaction raises, it is rolled back and its members run singly: each caller gets the answer or
    the exception of its own request. When the database itself is away, all of them get Unavailable at once. So does
    who finds too many waiting, or waits for longer than `patience_seconds`; then nothing was done for it.

    Up to `leaders` transactions of a line are in flight at once. `is_hot` and `ahead` as for `run`.
    """

    def __init__(
        self,
        execute: Callable[[Session, Sequence[Request], datetime], Sequence[Answer]],
        *,
        entities_of: Callable[[Request], tuple[int, ...]],
        key: Callable[[Request], Key | None] = lambda _: None,
        ahead: Callable[[Session, Sequence[Request]], None] | None = None,
        weight: Callable[[Request], int] = lambda _: 1,
        name: str | None = None,
        max_batch: int = 256,
        leaders: int = 1,
        waiting_max: int = 2_000,
        patience_seconds: float = 5.0,
        is_hot: bool = False,
    ) -> None:
        self._execute = execute
        self._entities_of = entities_of
        self._key = key
        self._ahead = ahead
        self._weight = weight
        self._weight_max = max_batch
        self._leaders = leaders
        self._waiting_max = waiting_max
        self._patience = patience_seconds
        self._is_hot = is_hot
        self._shared = combined_requests.labels(name or execute.__name__)
        self._lines: dict[tuple[int, ...], _Line[Request, Answer]] = {}

    def __call__(self, request: Request) -> Answer:
        """Answer one request. Called with no transaction open, in an app context; blocks until it is answered."""
        [outcome] = self.ask([request])
        return outcome.get()

    def ask(self, requests: Sequence[Request]) -> list[Outcome[Answer]]:
        """Answer several requests, in the order given, as if each were asked by a thread of its own."""
        by_entities: dict[tuple[int, ...], list[Request]] = {}
        for request in requests:
            by_entities.setdefault(self._entities_of(request), []).append(request)
        if len(by_entities) == 1:
            [(entities, alike)] = by_entities.items()
            return self._ask(entities, alike)
        outcomes = {entities: iter(self._ask(entities, alike)) for entities, alike in by_entities.items()}
        return [next(outcomes[self._entities_of(request)]) for request in requests]

    def _ask(self, entities: tuple[int, ...], requests: Sequence[Request]) -> list[Outcome[Answer]]:
        line = self._lines.get(entities) or self._lines.setdefault(entities, _Line())
        deadline = time.monotonic() + self._patience
        gate = _Gate(len(requests))
        calls: list[_Call[Request, Answer]] = [
            _Call(request, self._key(request), self._weight(request), deadline, gate) for request in requests
        ]
        leader = self._enter(line, calls, gate)
        while leader is not None or self._sleep(line, calls, gate):
            self._lead(line, leader or gate.successor, entities)  # type: ignore[arg-type]  # woken to lead
            leader = None
        return [Outcome(call.answer, call.error) for call in calls]

    def _enter(
        self, line: _Line[Request, Answer], calls: Sequence[_Call[Request, Answer]], gate: _Gate
    ) -> _Call[Request, Answer] | None:
        """Stand in line; return whom to lead with at once: where nobody leads, or beside who does."""
        with line.lock:
            if not line.leading or self._leads_beside(line, len(calls)):
                line.leading += 1
                line.come(calls[1:])
                gate.is_leading = True
                return calls[0]
            if len(line.waiting) + len(calls) > self._waiting_max:
                for call in calls:
                    call.error = Unavailable("too many requests are waiting for this door")
                    gate.answered()
            else:
                line.come(calls)
            return None

    def _leads_beside(self, line: _Line[Request, Answer], come: int) -> bool:
        """Whether enough have come for a transaction beside those in flight."""
        if line.leading >= self._leaders:
            return False
        gathered = len(line.waiting) + come
        return gathered >= self._share(line.led + gathered)

    def _share(self, callers: int) -> int:
        """Return how many of so many callers one of the leaders should take."""
        return -(-callers // self._leaders)

    def _sleep(self, line: _Line[Request, Answer], calls: Sequence[_Call[Request, Answer]], gate: _Gate) -> bool:
        """Sleep until asked to lead: True; or until all is answered: False.

        Who loses patience takes those of its calls back that are not in flight yet.
        """
        if gate.sleep(self._patience):
            return gate.is_leading
        with line.lock:
            left = [call for call in calls if call in line.waiting]
            for call in left:
                line.waiting.remove(call)
                call.error = Unavailable(f"no answer within {self._patience:g} s")
                gate.answered()
        gate.sleep()
        return gate.is_leading

    def _lead(self, line: _Line[Request, Answer], own: _Call[Request, Answer], entities: tuple[int, ...]) -> None:
        self._gather(line)
        with line.lock:
            batch, repeats = self._take(line, own)
            line.led += len(batch)
        started = time.perf_counter()
        try:
            self._serve(batch, entities)
        except BaseException:  # this thread is being ended: nobody may be left thinking that it was answered
            for call in batch:
                call.error = call.error or Unavailable("the process is stopping")
            with line.lock:  # nor may its other calls be asked to lead
                line.waiting = deque(call for call in line.waiting if call.gate is not own.gate)
            raise
        finally:
            for call, first in repeats:
                call.answer, call.error = first.answer, first.error
            ended = time.perf_counter()
            with line.lock:
                line.led -= len(batch)
                line.callers = len(batch) + len(repeats) + len(line.waiting) + line.led
                line.lingers_until = ended + (ended - started) * LINGER
                own.gate.is_leading, own.gate.successor = False, None
                for call in (*batch, *(call for call, _ in repeats)):
                    call.gate.answered()
                self._hand_on(line)
        self._shared.observe(len(batch) + len(repeats))

    def _gather(self, line: _Line[Request, Answer]) -> None:
        """Let those who were answered a moment ago come back to the line, for a fraction of what answering them took.

        Without it the first to come back leads alone, and all others wait for its transaction. Who is alone at the
        door waits for nobody.
        """
        wanted = min(self._share(line.callers), self._weight_max) - 1
        seconds = line.lingers_until - time.perf_counter()
        if wanted > 0 and seconds > 0:
            line.gather(wanted, seconds)

    def _take(
        self, line: _Line[Request, Answer], own: _Call[Request, Answer]
    ) -> tuple[list[_Call[Request, Answer]], list[tuple[_Call[Request, Answer], _Call[Request, Answer]]]]:
        """Return the calls to run, the leader's own first, and those that repeat one of them. Under the line's lock."""
        batch = [own]
        repeats: list[tuple[_Call[Request, Answer], _Call[Request, Answer]]] = []
        later: list[_Call[Request, Answer]] = []
        by_key = {own.key[0]: own} if own.key else {}
        weight = own.weight
        while line.waiting and weight + line.waiting[0].weight <= self._weight_max:
            call = line.waiting.popleft()
            first = by_key.get(call.key[0]) if call.key else None
            if first is None:
                batch.append(call)
                weight += call.weight
                if call.key:
                    by_key[call.key[0]] = call
            elif first.key == call.key:
                repeats.append((call, first))
            else:
                later.append(call)
        line.waiting.extendleft(reversed(later))
        return batch, repeats

    def _hand_on(self, line: _Line[Request, Answer]) -> None:
        """Let the first lead whose thread does not yet; if there is none, one of those will hand on.

        Under the line's lock.
        """
        line.leading -= 1
        for successor in line.waiting:
            if not successor.gate.is_leading:
                line.waiting.remove(successor)
                line.leading += 1
                successor.gate.lead(successor)
                return

    def _serve(self, batch: list[_Call[Request, Answer]], entities: tuple[int, ...]) -> None:
        """Give every call of the batch its answer or its error. Never raises an Exception."""
        try:
            self._run(batch, entities)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            elif _is_outage(error):
                for call in batch:
                    call.error = _unavailable(error)
            else:
                self._serve_singly(batch, entities)

    def _serve_singly(self, batch: list[_Call[Request, Answer]], entities: tuple[int, ...]) -> None:
        outage: Exception | None = None
        for call in batch:
            if outage is not None or time.monotonic() > call.deadline:
                call.error = _unavailable(outage)
                continue
            try:
                self._run([call], entities)
            except Exception as error:
                call.error = error
                outage = error if _is_outage(error) else None

    def _run(self, batch: list[_Call[Request, Answer]], entities: Iterable[int]) -> None:
        requests = [call.request for call in batch]
        answers = run(
            lambda session, now: self._execute(session, requests, now),
            entities=entities,
            is_hot=self._is_hot,
            ahead=None if self._ahead is None else lambda session: self._ahead(session, requests),  # type: ignore[misc]  # not None: asked before
        )
        if len(answers) != len(batch):
            raise RuntimeError(f"{len(batch)} requests, {len(answers)} answers")
        for call, answer in zip(batch, answers, strict=True):
            call.answer = answer


def _is_outage(error: Exception) -> bool:
    """Tell a database that does not answer from one that answered no: asking again singly would only queue up."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_outage_of_driver(error.orig)
    return _is_outage_of_driver(error)


def _is_outage_of_driver(error: BaseException | None) -> bool:
    # What the server said carries an SQLSTATE. Class 08 is the connection, 57P the server going down.
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(("08", "57P"))


def _unavailable(cause: Exception | None) -> Unavailable:
    refusal = Unavailable("the database did not answer in time: send the same request again, under the same key")
    refusal.__cause__ = cause
    return refusal
