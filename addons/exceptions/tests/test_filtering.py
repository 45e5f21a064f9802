"""The filter text: what each token means, and what is said of one that cannot be meant."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand_exceptions.filtering import KEYS, BadToken, Bound, Filter, Vocabulary, parse, tokens, with_token, without

KNOWN = Vocabulary(kinds=("shortage", "hold_overdue"), entities=("NORTH", "SOUTH"), me=7, person={"ada": 9}.get)


def meant(text):
    return parse(text, KNOWN)


def test_the_example_of_the_help():
    found = meant("kind:shortage location:104 age:>24h value:>500 owner:me")
    assert found == Filter(
        me=7,
        kinds=("shortage",),
        locations=("104",),
        owners=(7,),
        bounds=(Bound("age", ">", Decimal(24 * 60)), Bound("value", ">", Decimal(500))),
    )


@pytest.mark.parametrize(
    ("text", "narrowed"),
    [
        ("", {}),
        ("kind:shortage,hold_overdue", {"kinds": ("shortage", "hold_overdue")}),
        ('location:"Main street",7', {"locations": ("Main street", "7")}),
        ('location:"a,b"', {"locations": ("a,b",)}),
        ("entity:NORTH state:new,regressed", {"entities": ("NORTH",), "states": ("new", "regressed")}),
        ("item:85123A,851*", {"items": ("85123A", "851*")}),
        ("owner:none,ada", {"owners": (0, 9)}),
        ("age:7d", {"bounds": (Bound("age", ">=", Decimal(7 * 24 * 60)),)}),
        ("age:<1.5h", {"bounds": (Bound("age", "<", Decimal(90)),)}),
        ("value:<=12.50", {"bounds": (Bound("value", "<=", Decimal("12.50")),)}),
        ("seen:>3 quantity:10", {"bounds": (Bound("seen", ">", Decimal(3)), Bound("quantity", ">=", Decimal(10)))}),
        ('late "tea: black"', {"words": ("late", "tea:", "black"), "phrases": ("tea: black",)}),
        ('"unclosed words', {"words": ("unclosed", "words"), "phrases": ("unclosed words",)}),
    ],
)
def test_what_tokens_mean(text, narrowed):
    assert meant(text) == Filter(me=7, **narrowed)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("kinds:shortage", "there is no 'kinds' to filter by; did you mean kind?"),
        ("colour:red", "there is no 'colour' to filter by"),
        ("kind:shortige", "there is no kind 'shortige'; did you mean shortage?"),
        ("kind:zzz", "there is hold_overdue, shortage"),
        ("entity:NORD", "did you mean NORTH?"),
        ("state:knew", "did you mean new?"),
        ("owner:bob", "there is nobody with the user name 'bob'"),
        ("age:>24", "write a number and m, h, d or w"),
        ("age:yesterday", "write a number and m, h, d or w"),
        ("age:>999999999999w", "too long ago"),
        ("value:lots", "write a number after"),
        ("value:>", "write a number after"),
        ("quantity:-4", "write a number after"),
        ("kind:", "say which"),
        ("kind:,", "say which"),
    ],
)
def test_a_token_that_cannot_be_meant_is_named_and_what_would_do_is_said(token, said):
    with pytest.raises(BadToken) as raised:
        meant(f"owner:me {token} late")
    assert raised.value.token == token
    assert said in raised.value.message


def test_too_much_is_refused():
    for text in ("x" * 501, "a " * 40):
        with pytest.raises(BadToken, match="at most"):
            meant(text)


def test_a_token_of_nobody_matches_nothing_rather_than_everything():
    assert parse("owner:me", Vocabulary()).owners == (-1,)


def test_chips_write_and_remove_tokens():
    assert with_token("kind:shortage late", "kind:hold_overdue") == "late kind:hold_overdue"
    assert with_token("", "age:>24h") == "age:>24h"
    assert without('kind:shortage location:"Main street"', 'location:"Main street"') == "kind:shortage"


def test_each_key_is_explained_by_an_example_that_is_understood():
    known = Vocabulary(kinds=("shortage",), entities=("NORTH",), me=1)
    for key, said in KEYS.items():
        example = said.rpartition(": ")[2].partition(", ")[0]
        assert example.startswith(f"{key}:")
        parse(example, known)


@given(st.text(max_size=80))
def test_any_text_is_understood_or_refused_by_a_token_of_its_own(text):
    try:
        parse(text, KNOWN)
        refused = None
    except BadToken as bad:
        refused = bad.token
    assert refused is None or refused in tokens(text)


def test_spans_are_minutes():
    [bound] = meant("age:>2w").bounds
    assert timedelta(minutes=int(bound.number)) == timedelta(weeks=2)
