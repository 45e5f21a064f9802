from datetime import date

import pytest
from biip.gtin import Gtin, GtinFormat
from hypothesis import given
from hypothesis import strategies as st
from onhand_demo.gtin import restricted_gtin
from onhand_demo.journey import NOT_MERCHANDISE, Journey


def test_baskets_come_whole_and_in_the_order_they_were_sold(journey: Journey) -> None:
    stores = journey.busiest(3)
    short = list(journey.baskets(stores, date(2017, 4, 3), lines_max=500))
    long = list(journey.baskets(stores, date(2017, 4, 3), lines_max=5_000))
    assert len(short) > 20
    assert long[: len(short)] == short
    assert [basket.at for basket in long] == sorted(basket.at for basket in long)
    assert len({basket.basket_id for basket in long}) == len(long)
    assert {basket.store_id for basket in long} == set(stores)


def test_no_basket_holds_fuel_coupons_nothing_or_a_product_twice(journey: Journey) -> None:
    for basket in journey.baskets(journey.busiest(5), date(2017, 6, 1), lines_max=5_000):
        products = [product for product, _ in basket.lines]
        assert len(set(products)) == len(products)
        assert all(journey.products[product].department not in NOT_MERCHANDISE for product in products)
        assert all(1 <= quantity <= 48 for _, quantity in basket.lines)


def test_the_busiest_store_of_the_year_is_367(journey: Journey) -> None:
    assert journey.busiest(36)[0] == 367
    assert len(set(journey.busiest(36))) == 36


@given(st.integers(0, 10**10 - 1))
def test_every_gtin_is_valid_and_for_restricted_circulation(number: int) -> None:
    gtin = Gtin.parse(restricted_gtin(number))
    assert gtin.format is GtinFormat.GTIN_13
    assert restricted_gtin(number)[2:12] == f"{number:010d}"
    assert restricted_gtin(number).startswith("20")


def test_a_number_too_long_for_a_gtin_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        restricted_gtin(10**10)
