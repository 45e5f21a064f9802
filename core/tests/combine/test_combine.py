"""Requests share transactions, and each caller gets its own answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from onhand.combine import Combiner
from onhand.db import cursor
from onhand.problems import Unavailable
from onhand_probe import traces

SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Ask:
    entity: int
    number: int
    key: str | None = None
    mood: str = "good"


class Door:
    """A combiner over the probe's traces that remembers its batches and can be held shut."""

    def __init__(self, site, **options):
        self.site = site
        self.batches: list[list[int]] = []
        self.shut = False
        self.passes = threading.Semaphore(0)
        self.entered = threading.Event()
        self.combiner = Combiner(
            self.execute,
            entities_of=lambda ask: (ask.entity,),
            key=lambda ask: (("owner", ask.key), str(ask.number).encode()) if ask.key else None,
            name="test",
            **options,
        )
        self.pool = ThreadPoolExecutor(128)

    def execute(self, session, asks, now):
        self.batches.append([ask.number for ask in asks])
        self.entered.set()
        assert not self.shut or self.passes.acquire(timeout=SECONDS_MAX)
        for ask in asks:
            if ask.mood == "cut":
                cursor(session).execute("SELECT pg_terminate_backend(pg_backend_pid())")
            if ask.mood == "exit":
                raise SystemExit
            traces.suffer(ask.mood)
            traces.leave(session, ask.entity, "combine", ask.number)
        return [ask.number * 10 for ask in asks]

    def ask(self, ask):
        def call():
            with self.site.app.app_context():
                return self.combiner(ask)

        return self.pool.submit(call)

    def shut_behind(self, ask):
        """Let one request in and hold it in flight; return its future."""
        self.shut = True
        future = self.ask(ask)
        assert self.entered.wait(SECONDS_MAX)
        return future

    def open(self):
        """Let everybody through from now on."""
        self.shut = False
        self.passes.release(100)

    def line_of(self, entity, length):
        self.site.wait(lambda: len(self.combiner._lines[entity,].waiting) == length, SECONDS_MAX)


@pytest.fixture
def door(site):
    made = []

    def make(**options):
        made.append(Door(site, **options))
        return made[-1]

    yield make
    for each in made:
        each.open()
        each.pool.shutdown()


def test_who_is_alone_is_served_at_once(site, door):
    alone = door()
    assert [alone.ask(Ask(site.a, n)).result(SECONDS_MAX) for n in (1, 2)] == [10, 20]
    assert alone.batches == [[1], [2]]


def test_what_waits_shares_the_next_transaction(site, door):
    shared = door()
    first = shared.shut_behind(Ask(site.a, 0))
    rest = [shared.ask(Ask(site.a, n)) for n in range(1, 65)]
    shared.line_of(site.a, 64)
    shared.open()
    assert first.result(SECONDS_MAX) == 0
    assert [future.result(SECONDS_MAX) for future in rest] == [n * 10 for n in range(1, 65)]
    assert [len(batch) for batch in shared.batches] == [1, 64]
    assert site.traces() == list(range(65))


def test_no_batch_is_longer_than_the_limit_and_weight_counts(site, door):
    limited = door(max_batch=10, weight=lambda ask: 5 if ask.number == 2 else 1)
    limited.shut_behind(Ask(site.a, 0))
    futures = []
    for number in range(1, 21):
        futures.append(limited.ask(Ask(site.a, number)))
        limited.line_of(site.a, number)
    limited.open()
    assert [future.result(SECONDS_MAX) for future in futures] == [n * 10 for n in range(1, 21)]
    assert limited.batches == [[0], [1, 2, 3, 4, 5, 6], [*range(7, 17)], [*range(17, 21)]]


def test_entities_never_share(site, door):
    apart = door()
    apart.shut_behind(Ask(site.a, 0))
    other = apart.ask(Ask(site.b, 1))
    site.wait(lambda: len(apart.batches) == 2, SECONDS_MAX)
    apart.open()
    assert other.result(SECONDS_MAX) == 10


def test_when_a_batch_raises_each_caller_gets_its_own_end(site, door):
    mixed = door()
    mixed.shut_behind(Ask(site.a, 0))
    asks = [Ask(site.a, n, mood="raise" if n == 3 else "good") for n in range(1, 6)]
    futures = [mixed.ask(ask) for ask in asks]
    mixed.line_of(site.a, 5)
    mixed.open()
    with pytest.raises(traces.Unwell):
        futures[2].result(SECONDS_MAX)
    assert [future.result(SECONDS_MAX) for n, future in enumerate(futures) if n != 2] == [10, 20, 40, 50]
    assert site.traces() == [0, 1, 2, 4, 5]


def test_equal_keys_are_asked_once_and_another_body_in_a_later_transaction(site, door):
    keyed = door()
    keyed.shut_behind(Ask(site.a, 0))
    futures = []
    for place, number in enumerate((1, 1, 2, 3), start=1):
        futures.append(keyed.ask(Ask(site.a, number, key=None if number == 3 else "k")))
        keyed.line_of(site.a, place)
    keyed.open()
    assert [future.result(SECONDS_MAX) for future in futures] == [10, 10, 20, 30]
    assert keyed.batches == [[0], [1, 3], [2]]
    assert site.traces() == [0, 1, 2, 3]


def test_too_long_a_line_is_refused_at_once_and_nothing_is_done(site, door):
    short = door(waiting_max=2, patience_seconds=SECONDS_MAX)
    first = short.shut_behind(Ask(site.a, 0))
    waiting = [short.ask(Ask(site.a, n)) for n in (1, 2)]
    short.line_of(site.a, 2)
    with pytest.raises(Unavailable, match="too many") as refused:
        short.ask(Ask(site.a, 3)).result(SECONDS_MAX)
    assert refused.value.headers == {"Retry-After": "1"}
    assert not any(future.done() for future in (first, *waiting))
    short.open()
    assert [future.result(SECONDS_MAX) for future in (first, *waiting)] == [0, 10, 20]
    assert site.traces() == [0, 1, 2]


def test_too_long_a_wait_is_refused_and_nothing_is_done(site, door):
    short = door(patience_seconds=0.3)
    first = short.shut_behind(Ask(site.a, 0))
    for future in [short.ask(Ask(site.a, n)) for n in (1, 2)]:
        with pytest.raises(Unavailable, match="no answer within"):
            future.result(SECONDS_MAX)
    short.open()
    assert first.result(SECONDS_MAX) == 0
    assert site.traces() == [0]


def test_a_request_in_flight_is_answered_however_long_it_takes(site, door):
    slow = door(patience_seconds=3.0)
    slow.shut_behind(Ask(site.a, 0))
    futures = [slow.ask(Ask(site.a, n)) for n in (1, 2)]
    slow.line_of(site.a, 2)
    slow.passes.release()
    site.wait(lambda: len(slow.batches) == 2, SECONDS_MAX)
    time.sleep(3.2)
    slow.open()
    assert [future.result(SECONDS_MAX) for future in futures] == [10, 20]


def test_when_the_database_goes_away_all_are_told_at_once(site, door):
    lost = door()
    lost.shut_behind(Ask(site.a, 0))
    futures = [lost.ask(Ask(site.a, n, mood="cut" if n == 2 else "good")) for n in range(1, 4)]
    lost.line_of(site.a, 3)
    lost.open()
    for future in futures:
        with pytest.raises(Unavailable):
            future.result(SECONDS_MAX)
    assert len(lost.batches) == 2
    assert lost.ask(Ask(site.a, 9)).result(SECONDS_MAX) == 90


def test_a_leader_that_is_ended_leaves_nobody_behind(site, door):
    ended = door()
    ended.shut_behind(Ask(site.a, 0))
    futures = [ended.ask(Ask(site.a, n, mood="exit" if n == 2 else "good")) for n in range(1, 4)]
    ended.line_of(site.a, 3)
    ended.open()
    for future in futures:
        with pytest.raises((Unavailable, SystemExit)):
            future.result(SECONDS_MAX)
    assert ended.ask(Ask(site.a, 9)).result(SECONDS_MAX) == 90
    assert site.traces() == [0, 9]


def test_many_threads_are_each_answered_once(site, door):
    busy = door()

    def client(number):
        with site.app.app_context():
            return [busy.combiner(Ask(site.a, number * 100 + step)) for step in range(10)]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(client, range(32)))
    assert answers == [[(n * 100 + step) * 10 for step in range(10)] for n in range(32)]
    assert site.traces() == sorted(n * 100 + step for n in range(32) for step in range(10))
    assert len(busy.batches) < 320
    assert busy.combiner._lines[site.a,].leading == 0


def together(door, *asks):
    """Ask for all at once from one thread; the future of what became of each."""

    def call():
        with door.site.app.app_context():
            return [outcome.answer if outcome.error is None else outcome.error for outcome in door.combiner.ask(asks)]

    return door.pool.submit(call)


def test_one_thread_asks_for_several_and_is_answered_in_their_order(site, door):
    shared = door()
    asks = [Ask(site.a, 1), Ask(site.b, 2), Ask(site.a, 3), Ask(site.a, 1, key="k"), Ask(site.a, 1, key="k")]
    assert together(shared, *asks).result(SECONDS_MAX) == [10, 20, 30, 10, 10]
    assert sorted(shared.batches) == [[1, 3, 1], [2]]


def test_one_of_several_that_fails_fails_alone(site, door):
    shared = door()
    first, second, third = together(shared, Ask(site.a, 1), Ask(site.a, 2, mood="raise"), Ask(site.a, 3)).result(
        SECONDS_MAX
    )
    assert (first, third) == (10, 30)
    assert isinstance(second, Exception)
    assert site.traces() == [1, 3]


def test_several_that_wait_are_led_by_their_own_thread_when_their_turn_comes(site, door):
    shared = door(max_batch=2)
    first = shared.shut_behind(Ask(site.a, 0))
    rest = together(shared, *(Ask(site.a, number) for number in range(1, 6)))
    shared.line_of(site.a, 5)
    alone = shared.ask(Ask(site.a, 6))
    shared.line_of(site.a, 6)
    shared.open()
    assert (first.result(SECONDS_MAX), alone.result(SECONDS_MAX)) == (0, 60)
    assert rest.result(SECONDS_MAX) == [10, 20, 30, 40, 50]
    assert shared.batches == [[0], [1, 2], [3, 4], [5, 6]]


def test_the_thread_that_ends_while_it_leads_takes_its_other_calls_with_it(site, door):
    shared = door(max_batch=1)
    ending = together(shared, Ask(site.a, 1, mood="exit"), Ask(site.a, 2))
    with pytest.raises(SystemExit):
        ending.result(SECONDS_MAX)
    assert shared.ask(Ask(site.a, 3)).result(SECONDS_MAX) == 30
    assert shared.batches == [[1], [3]]


def test_several_lose_patience_together_unless_some_are_in_flight(site, door):
    shared = door(patience_seconds=0.2)
    first = shared.shut_behind(Ask(site.a, 0))
    rest = together(shared, Ask(site.a, 1), Ask(site.a, 2)).result(SECONDS_MAX)
    assert [type(one) for one in rest] == [Unavailable, Unavailable]
    shared.open()
    assert first.result(SECONDS_MAX) == 0
    assert site.traces() == [0]


def test_too_many_at_once_are_all_told_so(site, door):
    shared = door(waiting_max=2)
    first = shared.shut_behind(Ask(site.a, 0))
    rest = together(shared, *(Ask(site.a, number) for number in (1, 2, 3))).result(SECONDS_MAX)
    assert [type(one) for one in rest] == [Unavailable] * 3
    shared.open()
    assert first.result(SECONDS_MAX) == 0


def test_threads_that_ask_for_one_and_for_several_are_each_answered_once(site, door):
    busy = door(max_batch=5)

    def client(number):
        asks = [Ask(site.a, number * 100 + step) for step in range(6)]
        with site.app.app_context():
            if number % 2:
                return [outcome.get() for outcome in busy.combiner.ask(asks)]
            return [busy.combiner(ask) for ask in asks]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(client, range(16)))
    assert answers == [[(n * 100 + step) * 10 for step in range(6)] for n in range(16)]
    assert site.traces() == sorted(n * 100 + step for n in range(16) for step in range(6))


def test_a_second_leader_works_while_the_first_is_in_flight(site, door):
    two = door(leaders=2)
    first = two.shut_behind(Ask(site.a, 1))
    second = two.ask(Ask(site.a, 2))
    site.wait(lambda: len(two.batches) == 2, 5)
    two.open()
    assert [first.result(5), second.result(5)] == [10, 20]
    assert two.batches == [[1], [2]]


def test_no_more_lead_than_are_allowed(site, door):
    two = door(leaders=2)
    two.shut_behind(Ask(site.a, 1))
    futures = [two.ask(Ask(site.a, 2))]
    site.wait(lambda: len(two.batches) == 2, 5)
    futures += [two.ask(Ask(site.a, number)) for number in (3, 4, 5)]
    two.line_of(site.a, 3)
    assert len(two.batches) == 2
    two.open()
    assert [future.result(5) for future in futures] == [20, 30, 40, 50]


def test_a_second_leader_waits_until_its_share_has_come(site, door):
    two = door(leaders=2)
    two.shut = True
    first = together(two, *(Ask(site.a, number) for number in range(5)))
    assert two.entered.wait(SECONDS_MAX)
    rest = [two.ask(Ask(site.a, number)) for number in (5, 6, 7, 8)]
    two.line_of(site.a, 4)
    assert len(two.batches) == 1  # five are in flight: a batch of its own is worth it from the fifth on
    rest.append(two.ask(Ask(site.a, 9)))
    site.wait(lambda: len(two.batches) == 2, SECONDS_MAX)
    two.open()
    assert first.result(SECONDS_MAX) == [0, 10, 20, 30, 40]
    assert [future.result(SECONDS_MAX) for future in rest] == [50, 60, 70, 80, 90]


def test_two_leaders_answer_many_threads_once_each(site, door):
    two = door(leaders=2)

    def client(number):
        with site.app.app_context():
            return [two.combiner(Ask(site.a, number * 100 + step)) for step in range(10)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(client, range(16)))
    assert answers == [[(n * 100 + step) * 10 for step in range(10)] for n in range(16)]
    line = two.combiner._lines[site.a,]
    assert (line.leading, line.led, len(line.waiting)) == (0, 0, 0)
