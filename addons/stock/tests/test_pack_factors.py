"""Property: whatever becomes of packs, a fact is counted by what its pack held when it occurred."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand_master_data.api import (
    Catalogue,
    ItemChange,
    NotWhole,
    Pack,
    UnknownUnit,
    to_base_quantity,
)
from onhand_master_data.services.items import carry_out
from onhand_master_data.testing import TESTER, make_item, make_location
from onhand_stock.testing import receive

UNITS = ("CS", "BX")
HOUR = timedelta(hours=1)

factors = st.builds(Fraction, st.integers(1, 24), st.integers(1, 3))
packs = st.dictionaries(st.sampled_from(UNITS), factors)
changes = st.lists(st.tuples(st.integers(1, 5), packs), min_size=1, max_size=5)
questions = st.lists(st.tuples(st.sampled_from(UNITS), st.integers(-3, 30), st.integers(1, 6)), min_size=1, max_size=8)


class Oracle:
    """What packs held, written down as told; no look-up but a walk from the beginning."""

    def __init__(self):
        self.told = {unit: [] for unit in UNITS}

    def tell(self, at, held):
        for unit in UNITS:
            last = self.told[unit][-1][1] if self.told[unit] else None
            if held.get(unit) != last:
                self.told[unit].append((at, held.get(unit)))

    def count(self, unit, at, quantity):
        if not self.told[unit]:
            return UnknownUnit
        factor = self.told[unit][0][1]
        for since, then in self.told[unit]:
            if since <= at:
                factor = then
        if factor is None:
            return UnknownUnit
        return int(quantity * factor) if (quantity * factor).denominator == 1 else NotWhole


def as_packs(held):
    return tuple(Pack(unit, factor.numerator, factor.denominator) for unit, factor in held.items())


@pytest.fixture
def shop(transact, entities):
    return transact(lambda session, now: make_location(session, now, entities[0].id))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=packs, later=changes, asked=questions)
def test_a_fact_is_counted_by_what_its_pack_held_when_it_occurred(transact, entities, shop, first, later, asked):
    entity = entities[0]
    oracle = Oracle()

    def begin(session, now):
        item = make_item(session, now, entity.id, packs=as_packs(first))
        receive(session, now, entity.id, shop.id, {item.id: 1})
        return item, now

    item, start = transact(begin)
    oracle.tell(start, first)
    at = start
    for hours, held in later:
        at += hours * HOUR
        change = [ItemChange(item.sku, packs=as_packs(held))]
        transact(
            lambda session, _, change=change, at=at: carry_out(session, change, by=TESTER, now=at, effective_from=at)
        )
        oracle.tell(at, held)
    ref = transact(lambda session, _: Catalogue().resolve(session, skus=[item.sku]).by_sku[item.sku])
    for unit, hours, quantity in asked:
        moment = start + hours * HOUR
        expected = oracle.count(unit, moment, quantity)
        if isinstance(expected, int):
            assert to_base_quantity(ref, quantity, unit, at=moment) == expected
        else:
            with pytest.raises(expected):
                to_base_quantity(ref, quantity, unit, at=moment)
