"""Time runs out while somebody works: the database's clock decides, and no unit is promised twice."""

import threading
from collections import Counter

from onhand_reservations import services
from onhand_reservations.testing import TESTER


class TestControl:
    def test_naive_confirmation_by_what_was_seen_before_promises_a_unit_twice(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 1)")

        def buy(twin, number):
            if number == 0:
                hold = twin.hold(1, 1)
                authorised_at = twin.one("SELECT now()")
                twin.connection.commit()
                superuser("UPDATE naive.hold SET expires_at = now() + interval '1 ms' WHERE id = %s", hold)
                superuser("UPDATE naive.balance SET available = 1, reserved = 0")  # the sweep
                twin.decide()
                return twin.confirm(hold, authorised_at)
            twin.decide()
            twin.decide()
            return twin.hold(1, 1)

        confirmed, held = naive(2, buy)
        assert confirmed is True
        assert held is not None

    def test_a_naive_sweep_and_a_naive_confirmation_both_win(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 0, 1)")
        superuser("INSERT INTO naive.hold VALUES (1, 1, 1, 'held', now() - interval '1 ms')")
        [[looked_at]] = superuser("SELECT now() - interval '1 minute'")

        def act(twin, number):
            if number:
                return twin.confirm(1, looked_at)
            return twin.end(1, "expired", "available", due_only=True)

        assert naive(2, act) == [True, True]
        assert superuser("SELECT available FROM naive.balance") == [(1,)]

    def test_naive_extension_does_not_check_again(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 0, 1)")
        superuser(
            "INSERT INTO naive.hold VALUES (1, 1, 1, 'expired', now()), (2, 1, 1, 'held', now() + interval '1 minute')"
        )
        naive(1, lambda twin, _: twin.extend(1))
        assert superuser("SELECT count(*) FROM naive.hold WHERE status = 'held' AND expires_at > now()") == [(2,)]


def test_a_hold_that_runs_out_between_authorise_and_confirm(world):
    world.stock(1)
    [held] = world.holds(1)
    world.run_out(held)
    [other] = world.storm(world.wish())
    assert other.status == 201
    [confirmed] = world.storm(world.change("confirm", held.id))
    assert (confirmed.status, confirmed.json["type"]) == (409, "/problems/hold-expired")
    assert world.storm(world.change("confirm", other.json["id"]))[0].status == 200
    assert world.statuses() == {"confirmed": 1, "expired": 1}
    assert world.states() == {"reserved": 1}
    world.check()


def test_buyers_race_the_owners_of_holds_that_ran_out(world):
    world.stock(20)
    held = world.holds(20)
    world.run_out(*held)
    asks = [ask for one in held for ask in (world.change("confirm", one.id), world.wish())]
    answers = world.storm(*asks)
    assert Counter(answer.status for answer in answers[::2]) == {409: 20}
    assert Counter(answer.status for answer in answers[1::2]) == {201: 20}
    assert world.statuses() == {"expired": 20, "held": 20}
    world.check()


def test_confirm_against_the_sweep(world):
    world.stock(60)
    held = world.holds(60)
    world.superuser("UPDATE reservations.hold SET expires_at = clock_timestamp() + interval '150 ms'")
    done = threading.Event()

    def sweep():
        while not done.is_set():
            world.run(lambda s, now: services.expire_due(s, by=TESTER, now=now, limit=7))

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        answers = [answer for place in range(0, 60, 4) for answer in world.storm(
            *[world.change("confirm", one.id) for one in held[place : place + 4]])]  # fmt: skip
    finally:
        world.superuser("SELECT pg_sleep(0.2)")
        done.set()
        thread.join()
    world.run(lambda s, now: services.expire_due(s, by=TESTER, now=now))
    for one, answer in zip(held, answers, strict=True):
        assert world.status_of(one) == {200: "confirmed", 409: "expired"}[answer.status]
    firm = [answer.status for answer in answers].count(200)
    assert world.states().get("reserved", 0) == firm
    assert world.states().get("available", 0) == 60 - firm
    world.check()


def test_extension_after_expiry_checks_again(world):
    world.stock(10)
    held = world.holds(10)
    world.run_out(*held)
    asks = [ask for one in held for ask in (world.change("extend", one.id, {"ttl_seconds": 600}), world.wish())]
    answers = world.storm(*asks)
    found = Counter(answer.status for answer in answers)
    assert (found[200] + found[201], found[409]) == (10, 10)
    for one, answer in zip(held, answers[::2], strict=True):
        if answer.status == 200:
            assert answer.json["replaces"] == str(one.id)
            assert answer.json["id"] != str(one.id)
    assert world.statuses() == {"expired": 10, "held": 10}
    assert world.states() == {"reserved": 10}
    world.check()


def test_one_expired_hold_is_extended_by_many_at_once_and_held_anew_once(world):
    world.stock(5)
    [held] = world.holds(1)
    world.run_out(held)
    answers = world.storm(*[world.change("extend", held.id) for _ in range(32)])
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 31}
    assert {answer.json["reason"] for answer in answers if answer.status == 409} == {"replaced"}
    assert world.states() == {"available": 4, "reserved": 1}
    world.check()
