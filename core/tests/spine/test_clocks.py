"""What people mean by a time or a day on an entity's clock, where clocks go forward and back, or skip a day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand.clocks import NoMoment, day, instant, moment, today

# An hour goes or comes back in the night, at midnight, half an hour at once; an island skips a day; a zone that never moves.
TURNS = [
    ("Europe/Vienna", date(2026, 3, 29)), ("Europe/Vienna", date(2026, 10, 25)), ("Africa/Cairo", date(2026, 4, 24)),
    ("America/Havana", date(2026, 3, 8)), ("America/Havana", date(2026, 11, 1)), ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)), ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)), ("Asia/Kathmandu", date(2026, 6, 1)),
]  # fmt: skip
NEAR = 2 * 24 * 60
STEP = timedelta(minutes=15)


@st.composite
def times(draw):
    """A zone, and a time without one within two days of a turn of its clock."""
    zone, turn = draw(st.sampled_from(TURNS))
    noon = datetime.combine(turn, time(12))
    return zone, noon + timedelta(minutes=draw(st.integers(-NEAR, NEAR)))


def showing(zone, local):
    """The moments at which a clock shows a time: every quarter of an hour that could be one is looked at."""
    around = (local.replace(tzinfo=UTC) + STEP * step for step in range(-15 * 4, 15 * 4))
    return [at for at in around if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local]


@given(times())
def test_a_time_is_the_first_moment_that_the_clock_shows_it_and_a_skipped_one_is_counted_on(case):
    zone, local = case
    found, shown = moment(local.isoformat(" "), zone), showing(zone, local)
    assert found.utcoffset() == timedelta()
    if shown:
        assert found == shown[0]
    else:
        before = (found - timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset()
        assert found.replace(tzinfo=None) == local - before
        assert found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) > local


@given(times())
def test_a_day_is_from_its_first_moment_until_the_next_ones(case):
    zone, local = case
    found = day(local.date().isoformat(), zone)
    assert found == day(local.date(), zone)
    assert found.ends_at == day(local.date() + timedelta(days=1), zone).begins_at
    for edge, first in ((found.begins_at, local.date()), (found.ends_at, local.date() + timedelta(days=1))):
        assert today(edge - timedelta(microseconds=1), zone) < first <= today(edge, zone)


def test_an_offset_that_was_typed_counts():
    assert moment(" 2027-01-31T08:00+05:00 ", "Europe/Vienna") == datetime(2027, 1, 31, 3, tzinfo=UTC)
    assert instant("2027-01-31T08:00+05:00").isoformat() == "2027-01-31T08:00:00+05:00"


@pytest.mark.parametrize("text", ["", " ", "yesterday", "2027-02-30 08:00", "0001-01-01 00:00", "9999-12-31T23:59Z", "\0", "\ud800"])  # fmt: skip
def test_what_no_clock_shows_everywhere_is_refused_with_how_to_write_it(text):
    for read in (lambda: moment(text, "Asia/Tokyo"), lambda: day(text[:10], "America/New_York"), lambda: instant(text)):
        with pytest.raises(NoMoment, match="like 2027-01-"):
            read()


def test_an_instant_has_its_offset():
    with pytest.raises(NoMoment, match="with its offset"):
        instant("2027-01-31T08:00")
