"""GTINs and GLNs are taken in every length, kept in one form, and refused when a digit is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand_master_data.gs1 import NotAGs1Key, gln, gtin14, gtin_key
from onhand_master_data.testing import gtin_of

KNOWN = {
    "96385074": "00000096385074",  # GTIN-8
    "614141007349": "00614141007349",  # GTIN-12
    "4006381333931": "04006381333931",  # GTIN-13
    "10614141000415": "10614141000415",  # GTIN-14
}


@pytest.mark.parametrize(("given", "kept"), KNOWN.items())
def test_every_length_is_kept_as_fourteen_digits(given: str, kept: str) -> None:
    assert gtin14(given) == kept
    assert gtin14(f" {given} ") == kept
    assert gtin_key(given) == kept


@pytest.mark.parametrize(
    "text",
    ["", "4006381333932", "400638133393", "40063813339310", "4.00638E+12", "٤٠٠٦٣٨١٣٣٣٩٣١", "x" * 13, "0" * 13, "١"],
)
def test_what_is_no_gtin_is_refused(text: str) -> None:
    with pytest.raises(NotAGs1Key):
        gtin14(text)


@given(st.integers(1, 10**12 - 1), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_never_passes(number: int, place: int, off: int) -> None:
    right = gtin_of(number)
    wrong = right[:place] + str((int(right[place]) + off) % 10) + right[place + 1 :]
    assert gtin14(right) == right.zfill(14)
    with pytest.raises(NotAGs1Key):
        gtin14(wrong)


@given(st.text(max_size=20))
def test_any_text_is_a_gtin_or_refused_and_never_anything_else(text: str) -> None:
    try:
        kept = gtin14(text)
    except NotAGs1Key:
        return
    assert len(kept) == 14
    assert gtin14(kept) == kept == gtin_key(text.strip())


def test_a_gln_has_thirteen_digits_with_a_check_digit() -> None:
    assert gln("4006381333931") == "4006381333931"
    for wrong in ("4006381333932", "04006381333931", "96385074", "400638133393x", ""):
        with pytest.raises(NotAGs1Key):
            gln(wrong)
