"""Web processes take connections in turn: who has more lets the others go first, and never waits for long."""

import os

import pytest
from onhand.cli import sharing
from onhand.cli.sharing import PROCESSES_MAX, Seats


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    monkeypatch.setattr(sharing, "time", Clock())
    return sharing.time


def test_who_has_more_lets_the_others_go_first_for_a_moment_and_no_longer(clock):
    seats = Seats()
    busy, idle = seats.take(), seats.take()
    busy.tell(3)
    assert not idle.lets_others(0)
    assert busy.seconds(1.0) == 1.0
    assert busy.lets_others(3)
    assert busy.seconds(1.0) == sharing.HESITATE_SECONDS
    busy.waited()
    assert busy.is_back, "somebody else had something to say, and the moment is not over"
    clock.now += sharing.HESITATE_SECONDS
    busy.waited()
    assert not busy.is_back
    assert busy.seconds(1.0) == 0.0, "it looks at once whether the connection is still there"
    assert not busy.lets_others(3), "it is"
    busy.waited()
    assert busy.lets_others(4), "the next is another one"
    clock.now += sharing.HESITATE_SECONDS
    busy.waited()
    busy.waited()
    assert busy.seconds(1.0) == 1.0, "another process took it"
    assert busy.lets_others(4)
    idle.tell(4)
    assert not busy.lets_others(4)


def test_a_few_more_among_many_are_no_reason_to_wait(clock):
    seats = Seats()
    one, other = seats.take(), seats.take()
    other.tell(80)
    assert not one.lets_others(90)
    assert one.lets_others(91)


def test_who_has_left_is_waited_for_by_nobody_and_its_seat_is_taken_again():
    seats = Seats()
    one, gone = seats.take(), seats.take()
    gone.leave()
    assert not one.lets_others(5)
    seats.take()
    assert one.lets_others(5)


def test_a_process_beyond_the_seats_takes_what_it_gets():
    seats = Seats()
    shares = [seats.take() for _ in range(PROCESSES_MAX)]
    late = seats.take()
    late.tell(7)
    assert not late.lets_others(1_000)
    assert shares[0].lets_others(1), "nobody's seat was taken"


def test_what_a_forked_process_tells_the_others_hear():
    seats = Seats()
    ours, theirs = seats.take(), seats.take()
    assert ours.lets_others(2)
    child = os.fork()
    if child == 0:
        theirs.tell(2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not ours.lets_others(2)
