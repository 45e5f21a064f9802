from datetime import UTC, datetime, timedelta

import pytest
from onhand.web.formats import age, ago, counted, iso, moment, money, quantity, said

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
THIN = "\u202f"


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (0, False, "0"),
        (999, False, "999"),
        (1_204_331, False, f"1{THIN}204{THIN}331"),
        (-3, False, "\u22123"),
        (12, True, "+12"),
        (0, True, "0"),
        (-4_000, True, f"\u22124{THIN}000"),
    ],
)
def test_a_quantity_is_grouped_and_signed_when_asked(value: int, signed: bool, text: str) -> None:
    assert quantity(value, signed=signed) == text


def test_things_are_counted_by_their_singular() -> None:
    assert [counted(many, "unit") for many in (0, 1, 2, 1_500)] == ["0 units", "1 unit", "2 units", f"1{THIN}500 units"]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, "EUR", f"1{THIN}234.56{THIN}EUR"),
        (5, "USD", f"0.05{THIN}USD"),
        (1_500, "JPY", f"1{THIN}500{THIN}JPY"),
        (-1_234, "KWD", f"\u22121.234{THIN}KWD"),
    ],
)
def test_money_has_as_many_places_as_its_currency(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), f"0{THIN}s"),
        (timedelta(seconds=59.9), f"59{THIN}s"),
        (timedelta(minutes=59, seconds=59), f"59{THIN}min"),
        (timedelta(hours=3, minutes=50), f"3{THIN}h"),
        (timedelta(hours=24), f"1{THIN}d"),
        (timedelta(days=1_200), f"1{THIN}200{THIN}d"),
    ],
)
def test_an_age_is_rounded_down_to_its_largest_unit(span: timedelta, text: str) -> None:
    assert age(span) == text


def test_a_moment_ahead_is_not_called_past() -> None:
    assert ago(NOW + timedelta(hours=2), NOW) == f"in 2{THIN}h"
    assert ago(NOW - timedelta(hours=2), NOW) == f"2{THIN}h ago"
    assert ago(NOW, NOW) == "just now"


def test_a_moment_is_written_on_the_clock_of_its_place() -> None:
    assert moment(NOW, "America/New_York", NOW) == "23 Nov, 21:00"
    assert moment(NOW, "Asia/Tokyo", NOW) == "24 Nov, 11:00"
    assert moment(NOW, "Europe/Berlin", NOW, seconds=True) == "24 Nov 2026, 03:00:00 CET"


def test_the_year_is_left_out_only_when_it_is_this_one_there() -> None:
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert moment(new_year, "UTC", new_year) == "31 Dec, 23:30"
    assert moment(NOW, "UTC", new_year.replace(year=2027)) == "24 Nov 2026, 02:00"
    assert moment(NOW, "Asia/Tokyo", new_year) == "24 Nov 2026, 11:00"  # it is 2027 in Tokyo already


def test_machines_read_utc() -> None:
    assert iso(NOW.astimezone()) == "2026-11-24T02:00:00+00:00"


def test_what_a_verb_says_is_read_on_the_clock_of_its_place() -> None:
    refusal = "overlaps pim, from 2026-12-31T23:30+00:00 until 2027-06-01T00:00:00.5Z: end that first"
    assert said(refusal, "Europe/Vienna", NOW) == (
        "overlaps pim, from 1 Jan 2027, 00:30 until 1 Jun 2027, 02:00: end that first"
    )
    untouched = "lot 2026-11-24, at 2026-99-99T00:00:00Z"
    assert said(untouched, "Europe/Vienna", NOW) == untouched
