"""Amounts that people type: with point or comma, with groups or without; what could mean two things is none."""

import pytest
from onhand.web import minor_units


@pytest.mark.parametrize(("text", "minor"), [
    ("499.50", 499_50), ("499,5", 499_50), (" 1 250 ", 1_250_00), ("1\u202f250,25", 1_250_25), ("1,250.25", 1_250_25),
    ("1.250,25", 1_250_25), ("1'250", 1_250_00), ("1,250,000", 1_250_000_00), ("0", 0),
])  # fmt: skip
def test_an_amount_is_read_as_people_write_it(text, minor):
    assert minor_units(text, "EUR") == minor


@pytest.mark.parametrize(
    "text", ["", "-1", "1.005", "1,250", "1.250.25", "12 34", "NaN", "1e9", "5.", ".5", "9" * 20, "١"]
)
def test_what_is_no_amount_or_unclear_is_none(text):
    assert minor_units(text, "EUR") is None


def test_a_currency_without_cents_takes_none():
    assert (minor_units("1,250", "JPY"), minor_units("1,250", "KWD"), minor_units("1250", "JPY")) == (
        None,
        1_250,
        1_250,
    )
