"""Publishing: one write per change and key, within the budget, repeated until it is answered, orders in flight netted out."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand.addons import Addon
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand_channels import jobs
from onhand_channels.api import Failed, Stale, Throttled
from onhand_channels.services import feeding
from onhand_channels.testing import TESTER, deliver, event, make_channel
from onhand_master_data.testing import make_item, make_items, make_location
from onhand_stock.testing import receive, states_of

KEYS = """
SELECT item_id, acknowledged_quantity, in_flight, stale, attempts, reason, parked_at IS NOT NULL FROM channels.feed_key
WHERE change_seq > settled_seq ORDER BY item_id
"""


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"channels", "exceptions"}), Addon("shopfront", "onhand-shopfront", "1", "shopfront")]


class Feed:
    """The feed by hand, at a clock that is put forward."""

    def __init__(self, transact, entity, channel):
        self.transact, self.entity, self.channel = transact, entity, channel
        self.later = timedelta()

    def run(self, command):
        return self.transact(lambda session, now: command(session, now + self.later), [self.entity])

    def mark(self):
        return self.run(lambda session, now: feeding.mark(session, [self.entity.id], now=now))

    def take(self):
        return self.run(lambda session, now: feeding.take(session, self.channel.code, now=now))

    def settle(self, batch, answers):
        self.run(lambda session, now: feeding.settle(session, batch, answers, now=now))

    def cycle(self, **later):
        """Mark and bring everything that is due; return what was written, as (quantity, compare)."""
        self.later += timedelta(**later)
        self.mark()
        written = []
        while (batch := self.take()) is not None:
            if batch.writes:
                self.settle(batch, feeding.bring(batch))
            written += [(one.quantity, one.compare) for one in batch.writes]
        return written


@pytest.fixture
def feed(transact, shop, front):
    return Feed(transact, shop.entity, shop.till)


@pytest.fixture
def policy(transact, shop):
    where = Where(channel_id=shop.till.id, entity_id=shop.entity.id)
    return lambda name, value: transact(
        lambda session, now: set_policy(session, name, value, where, by=TESTER, now=now) and None
    )


@pytest.fixture
def tea(shop, front):
    """What the shop on the web has of tea; with units, it has taken an order of so many that nobody was told of."""
    key = (shop.tea.id, shop.location.id)

    def shelf(ordered=0):
        if ordered:
            front.SHELVES[key] -= ordered
        return front.SHELVES[key]

    return shelf


def elsewhere(shop, transact, units):
    """Somebody else sells tea at the same shelf."""
    other = transact(
        lambda session, now: make_channel(session, now, shop.entity.id, shop.location.id, code=f"other-{next(others)}")
    )
    shop.tell(event(other, "sale", {"TEA": units}, location="S1"), channel=other)


others = count(1)


def test_what_changed_is_written_once_and_what_is_there_not_at_all(shop, front, feed, tea, transact):
    assert feed.cycle() == [(100, None)]
    elsewhere(shop, transact, 2)
    elsewhere(shop, transact, 3)
    assert feed.cycle() == [(95, 100)]
    [first], [second] = front.CALLS
    assert (second.sku, second.location, second.watermark > first.watermark) == ("TEA", "S1", True)
    shop.tell(shop.event("receipt", {"TEA": 5}))
    elsewhere(shop, transact, 5)
    assert feed.cycle() == [], "it has this number"
    assert tea() == 95


def test_what_changes_while_it_is_written_is_written_next(shop, front, feed, tea, transact, superuser):
    feed.cycle()

    def meanwhile(writes):
        elsewhere(shop, transact, 1)
        feed.mark()

    front.MOODS.append(meanwhile)
    elsewhere(shop, transact, 4)
    assert feed.cycle() == [(96, 100), (95, 96)]
    assert tea() == 95
    assert superuser(KEYS) == []


def test_a_crash_after_the_write_repeats_it_under_its_name(shop, front, feed, tea, transact):
    feed.mark()
    batch = feed.take()
    feeding.bring(batch)  # and the worker dies
    assert feed.take() is None, "its turn is kept"
    assert feed.cycle(seconds=121) == [(100, None)]
    [first], [again] = front.CALLS
    assert first == again
    elsewhere(shop, transact, 1)
    feed.mark()
    feeding.bring(feed.take())
    elsewhere(shop, transact, 1)
    assert feed.cycle(seconds=121) == [(98, 100), (98, 99)], "another number has another name"
    assert len({one.idempotency_key for call in front.CALLS for one in call}) == 4
    assert tea() == 98


def test_the_budget_is_kept_and_the_longest_waiting_go_first(shop, front, feed, policy, transact, superuser):
    policy(feeding.WRITES_PER_MINUTE, 60)
    items = transact(lambda session, now: make_items(session, now, 9, shop.entity.id))
    shop.tell(shop.event("sale", {"TEA": 1}, time=datetime.now(UTC)))
    transact(lambda session, now: receive(session, now, shop.entity.id, shop.location.id, {one.id: 1 for one in items}))
    assert len(feed.cycle()) == 6
    assert front.CALLS[0][0].sku == "TEA"
    assert len(feed.cycle()) == 0
    assert len(feed.cycle(seconds=2)) == 2
    assert len(feed.cycle(seconds=60)) == 2
    assert superuser(KEYS) == []
    assert feed.cycle(seconds=60) == []


def test_failures_are_tried_again_after_pauses_and_parked_at_last(shop, front, feed, superuser):
    failed = [Failed("timeout", "no answer within 10 s: look whether the shop is up")]
    front.MOODS += [lambda writes: failed] * 9
    assert len(feed.cycle()) == 1
    assert len(feed.cycle(seconds=1)) == 0
    for _ in range(7):
        assert len(feed.cycle(seconds=301)) == 1
    assert superuser(KEYS) == [(shop.tea.id, None, 0, 0, 8, "timeout", True)]
    assert len(feed.cycle(hours=1)) == 0
    names = {one.idempotency_key for call in front.CALLS for one in call}
    assert len(names) == 1, "whether it was taken is not known, so it is the same write"


def test_what_cannot_be_is_parked_at_once_and_harms_no_other(shop, front, feed, superuser):
    shop.tell(shop.event("receipt", {"COFFEE": 5}))
    front.MOODS.append(
        lambda writes: [
            Failed("unknown_item", "add it to the shop", is_final=True) if one.sku == "TEA" else front.take(one)
            for one in writes
        ]
    )
    assert len(feed.cycle()) == 2
    assert superuser(KEYS) == [(shop.tea.id, None, 0, 0, 1, "unknown_item", True)]
    assert {(shop.coffee.id, shop.location.id): 5} == front.SHELVES


@pytest.mark.parametrize("answer", [
    lambda writes: 1 / 0, lambda writes: [], lambda writes: ["ok"], lambda writes: [Stale("many")],
    lambda writes: [Throttled(float("nan"))],
])  # fmt: skip
def test_a_publisher_that_fails_or_answers_nonsense_is_tried_again(shop, front, feed, tea, superuser, answer):
    front.MOODS.append(answer)
    assert len(feed.cycle()) == 1
    [(_, _, _, _, attempts, reason, parked)] = superuser(KEYS)
    assert (attempts, reason[:10], parked) == (1, "publisher_", False)
    assert len(feed.cycle(seconds=3)) == 1
    assert tea() == 100


def test_throttled_the_whole_channel_rests(shop, front, feed, tea):
    front.MOODS.append(lambda writes: [Throttled(60)])
    assert len(feed.cycle()) == 1
    shop.tell(shop.event("receipt", {"COFFEE": 5}))
    assert feed.cycle(seconds=50) == []
    assert sorted(feed.cycle(seconds=11)) == [(5, None), (100, None)]
    assert tea() == 100


def test_orders_in_flight_are_not_sold_again(shop, front, feed, tea, transact, superuser):
    feed.cycle()
    tea(ordered=3)
    shop.tell(shop.event("receipt", {"TEA": 10}))
    assert feed.cycle() == [(110, 100), (107, 97)], "three are sold there already"
    shop.tell(shop.event("receipt", {"TEA": 5}))
    assert feed.cycle() == [(112, 107)], "and stay so"
    assert superuser("SELECT in_flight FROM channels.feed_key") == [(3,)]
    shop.tell(shop.event("sale", {"TEA": 3}))
    assert feed.cycle() == [], "told at last: the shop's number was right all along"
    assert superuser("SELECT in_flight FROM channels.feed_key") == [(0,)]
    tea(ordered=2)
    shop.tell(shop.event("sale", {"TEA": 2}))
    assert feed.cycle() == [(110, 110)], "it counted down itself, and is asked whether it did"
    assert feed.cycle() == []


def test_orders_that_are_never_told_are_forgotten_after_their_time(shop, front, feed, tea, policy):
    policy(feeding.IN_FLIGHT_MINUTES, 30)
    feed.cycle()
    tea(ordered=3)
    shop.tell(shop.event("receipt", {"TEA": 10}))
    feed.cycle()
    assert feed.cycle(minutes=14) == []
    feed.cycle(minutes=14)
    assert tea() == 107
    feed.cycle(minutes=3)
    assert tea() == 110


def test_its_own_report_tells_what_is_in_flight_before_anything_is_written(shop, front, feed, tea):
    feed.cycle()
    tea(ordered=3)
    shop.tell(shop.event("stock_report", [{"sku": "TEA", "quantity": 97}]))
    shop.tell(shop.event("receipt", {"TEA": 10}))
    assert feed.cycle() == [(107, 97)]


def test_a_number_that_stays_stale_is_told_as_a_gap_and_ends_when_it_agrees(
    shop, front, feed, tea, transact, drain, superuser
):  # fmt: skip
    feed.cycle()
    front.MOODS += [lambda writes: [Stale(90)], lambda writes: [Stale(80)]]
    shop.tell(shop.event("receipt", {"TEA": 10}))
    assert len(feed.cycle()) == 2
    drain()
    [(title, kind)] = superuser("SELECT e.title, v.kind FROM exceptions.exception e JOIN exceptions.evidence v ON true")
    assert (title, kind) == (
        "till-1 has 80 of TEA at S1, the last number that it acknowledged was 100",
        "sync_gap",
    )
    look = lambda session, now: len(feeding.standing(session, shop.entity.id, None))  # noqa: E731
    assert transact(look) == 1
    front.SHELVES[shop.tea.id, shop.location.id] = 80
    assert feed.cycle(seconds=5) == [(90, 80)], "what it took beyond is taken to be sold"
    assert transact(look) == 0


def test_the_scheduler_makes_the_job_and_the_job_brings_it(shop, front, tea, drain, superuser, app):
    def step():
        with app.app_context():
            return jobs.feed_step([shop.entity.id])

    step()
    step()
    assert superuser("SELECT count(*) FROM onhand.job WHERE actor = 'channels.publish_feed'") == [(1,)]
    drain()
    assert tea() == 100
    assert superuser("SELECT busy_until FROM channels.feed") == [(None,)]
    assert superuser("SELECT lag_seconds >= 0 FROM channels.feed_key") == [(True,)]


STORY = st.lists(
    st.tuples(
        st.sampled_from([
            "receipt", "elsewhere", "order", "tell", "cycle", "crash", "lost", "unheard", "throttled", "mark",
        ]),
        st.integers(1, 6),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORY)
def test_in_whatever_order_things_happen_the_channel_ends_with_what_may_be_sold(transact, entities, story):  # noqa: PLR0912
    """Sales here and there, orders told late, crashes, writes that were lost or whose answer was."""
    from shopfront import plugin

    def open_shop(session, now):
        place, item = make_location(session, now, entities[0].id), make_item(session, now, entities[0].id)
        receive(session, now, entities[0].id, place.id, {item.id: 10})
        web, till = (make_channel(session, now, entities[0].id, place.id) for _ in range(2))
        return place, item, web, till

    place, item, web, till = transact(open_shop)
    plugin.reset(web.code)
    key, feed, untold, is_sure = (item.id, place.id), Feed(transact, entities[0], web), [], True
    say = lambda who, noun, units: transact(lambda session, now: deliver(  # noqa: E731
        session, now, who, event(who, noun, {item.sku: units}, location=place.code)
    ))  # fmt: skip
    available = lambda: transact(  # noqa: E731
        lambda session, now: states_of(session, entities[0].id, place.id, item.id).get("available", 0)
    )
    feed.cycle()
    feed.cycle(minutes=1)
    for what, units in story:
        if what == "receipt":
            say(till, "receipt", units)
        elif what == "elsewhere":
            say(till, "sale", units)
        elif what == "order" and plugin.SHELVES[key] >= units:
            plugin.SHELVES[key] -= units
            untold.append(units)
        elif what == "tell" and untold:
            say(web, "sale", untold.pop())
        elif what == "mark":
            feed.mark()
        elif what == "crash" and feed.mark() and (batch := feed.take()):
            feeding.bring(batch)
            feed.later += timedelta(seconds=121)
            is_sure = False
        elif what in {"lost", "unheard"}:
            plugin.MOODS.append(plugin.unheard if what == "unheard" else plugin.lost)
            is_sure = False
        elif what == "throttled":
            plugin.MOODS.append(lambda writes: [Throttled(5.0)] * len(writes))
        elif what == "cycle":
            for _ in range(3 + len(plugin.MOODS)):  # a mood spoils a cycle
                feed.cycle(minutes=1)
            if is_sure and not plugin.MOODS and available() >= sum(untold):
                assert plugin.SHELVES[key] == available() - sum(untold), "orders in flight are not sold again"
    for units in untold:
        say(web, "sale", units)
    plugin.MOODS.clear()
    for _ in range(4):
        feed.cycle(minutes=61)
    assert plugin.SHELVES[key] == available()
