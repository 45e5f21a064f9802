"""One key sent many times at once: one effect, one answer. With another body it is refused."""

from collections import Counter


class TestControl:
    def test_a_naive_look_up_acts_for_every_caller(self, naive, superuser):
        answers = naive(16, lambda twin, _: twin.keyed("k1", 1))
        assert len(set(answers)) == 16
        assert superuser("SELECT count(*) FROM naive.hold") == [(16,)]


def test_one_key_100_times_at_once(world):
    world.stock(100)
    wish = world.wish(key="k1")
    answers = world.storm(*[wish] * 100)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert world.states() == {"available": 99, "reserved": 1}
    world.check()


def test_one_key_with_other_bodies_at_once(world):
    world.stock(100)
    bodies = [world.wish([(world.sku, 1 + number % 2)], key="k1", reference="web-1") for number in range(64)]
    answers = world.storm(*bodies)
    assert Counter(answer.status for answer in answers) == {201: 32, 422: 32}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert {answer.json["type"] for answer in answers if answer.status == 422} == {"/problems/idempotency-key-reused"}
    won = answers[0].status == 201
    assert world.states()["reserved"] == (1 if won else 2)
    world.check()


def test_a_refusal_under_one_key_is_the_same_refusal_for_all(world):
    wish = world.wish(key="k1")
    answers = world.storm(*[wish] * 64)
    assert {(answer.status, answer.body) for answer in answers} == {(409, answers[0].body)}


def test_one_key_of_a_change_100_times_at_once(world):
    world.stock(5)
    [held] = world.holds(1, firm=True)
    fulfil = world.change("fulfil", held.id)
    answers = world.storm(*[fulfil] * 100)
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert world.states() == {"available": 4}
    world.check()
