"""What people fill in reaches views trimmed, without what a database cannot keep, and no longer than it may be."""

import pytest
from flask import Flask
from onhand.web import asked, filled, filters, sentence, trimmed, whole_number


@pytest.fixture
def page():
    address = "/?q=%20tea%00%20&none=%20&cursor=c&empty="
    form = {"note": " first\r\nsecond\0 ", "long": "x" * 3_000}
    with Flask(__name__).test_request_context(address, method="POST", data=form):
        yield


def test_a_field_is_trimmed_and_what_was_not_filled_in_is_nothing(page):
    assert (asked("q"), asked("none"), asked("missing")) == ("tea", None, None)
    assert (filled("note"), filled("missing"), len(filled("long")), filled("long", 3)) == (
        "first\nsecond", "", 2_000, "xxx",
    )  # fmt: skip


def test_the_next_pages_address_has_what_narrows_and_nothing_else(page):
    assert set(filters()) == {"q", "none"}
    assert set(filters("none")) == {"q"}


def test_blanks_that_a_nul_hid_are_trimmed_too():
    assert trimmed("\0 tea \0") == "tea"


@pytest.mark.parametrize(("text", "number"), [
    ("0", 0), ("007", 7), ("999999999", 999_999_999), ("1000000000", None), ("", None), ("-1", None), ("1.0", None), ("٣", None),
])  # fmt: skip
def test_a_whole_number_has_digits_and_no_more_than_fit(text, number):
    assert whole_number(text) == number


def test_a_refusal_is_a_sentence_beside_its_field():
    assert (sentence(ValueError("give a day")), sentence(ValueError("Ä"))) == ("Give a day.", "Ä.")
