"""Buyers of the last units: as many promises as there are units, whoever asks, in whatever order."""

from collections import Counter

import psycopg


def statuses(answers):
    return Counter(answer.status for answer in answers)


class TestControl:
    def test_naive_buyers_all_get_the_one_unit(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 1)")
        made = naive(16, lambda twin, _: twin.hold(1, 1))
        assert len([hold for hold in made if isinstance(hold, int)]) == 16
        assert superuser("SELECT available, reserved FROM naive.balance") == [(0, 1)]

    def test_naive_buyers_are_promised_more_than_fifty_of_fifty(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 50)")
        made = naive(20, lambda twin, _: [twin.hold(1, 1) for _ in range(4)])
        assert len([hold for holds in made for hold in holds if hold]) == 80
        assert superuser("SELECT reserved FROM naive.balance")[0][0] < 50

    def test_a_naive_check_line_by_line_promises_the_same_unit_to_two_lines(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 3)")
        assert naive(1, lambda twin, _: twin.hold_lines([(1, 2), (1, 2)])) == [True]
        assert superuser("SELECT sum(quantity)::int FROM naive.hold") == [(4,)]

    def test_naive_carts_in_reverse_order_deadlock(self, naive, superuser, deadlocks):
        superuser("INSERT INTO naive.balance VALUES (1, 9), (2, 9)")
        ends = naive(2, lambda twin, number: twin.hold_cart([1, 2] if number else [2, 1]))
        assert [type(end) for end in ends].count(psycopg.errors.DeadlockDetected) == 1
        assert deadlocks() == 1


def test_one_unit_and_64_buyers(world):
    world.stock(1)
    answers = world.storm(*[world.wish() for _ in range(64)])
    assert statuses(answers) == {201: 1, 409: 63}
    assert {answer.json["shortfalls"][0]["available"] for answer in answers if answer.status == 409} == {0}
    assert world.states() == {"reserved": 1}
    assert world.statuses() == {"held": 1}
    world.check()


def test_fifty_units_and_200_buyers(world):
    world.stock(50)
    answers = world.storm(*[world.wish() for _ in range(200)])
    assert statuses(answers) == {201: 50, 409: 150}
    assert world.states() == {"reserved": 50}
    assert len({answer.json["id"] for answer in answers if answer.status == 201}) == 50
    world.check()


def test_buyers_of_several_units_never_get_more_than_there_are(world):
    world.stock(50)
    wanted = [1 + number % 5 for number in range(100)]
    answers = world.storm(*[world.wish([(world.sku, quantity)]) for quantity in wanted])
    granted = sum(quantity for quantity, answer in zip(wanted, answers, strict=True) if answer.status == 201)
    assert world.states() == {"available": 50 - granted, "reserved": granted} if granted < 50 else {"reserved": 50}
    assert granted <= 50
    world.check()


def test_two_lines_of_one_order_that_name_the_same_item(world):
    world.stock(3)
    lines = [(world.sku, 2), (world.sku, 2)]
    answers = world.storm(*[world.wish(lines) for _ in range(16)])
    assert statuses(answers) == {409: 16}
    assert {answer.json["shortfalls"][0]["line"] for answer in answers} == {2}
    assert world.states() == {"available": 3}
    answers = world.storm(*[world.wish([(world.sku, 2), (world.sku, 1)]) for _ in range(16)])
    assert statuses(answers) == {201: 1, 409: 15}
    assert world.states() == {"reserved": 3}
    world.check()


def test_carts_in_reverse_line_order(world, deadlocks):
    world.stock(40, *world.items)
    cart = [(item.sku, 1) for item in world.items]
    answers = world.storm(*[world.wish(cart if number % 2 else cart[::-1]) for number in range(64)])
    assert statuses(answers) == {201: 40, 409: 24}
    assert [world.states(item) for item in world.items] == [{"reserved": 40}] * 10
    assert deadlocks() == 0
    world.check()
