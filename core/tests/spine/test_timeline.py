"""Enablement over time, as plain data."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from onhand.addons.timeline import Timeline

START = datetime(2026, 1, 1, tzinfo=UTC)
times = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))
changes = st.lists(st.tuples(st.integers(1, 2), st.sampled_from("ab"), st.sampled_from(["enabled", "draining", "disabled"]), times))  # fmt: skip


@given(changes, st.integers(1, 3), st.sampled_from("abc"), times)
def test_state_is_that_of_the_last_change_in_effect_and_of_equal_times_the_later_row(rows, entity, noun, now):
    ordered = sorted(rows, key=lambda row: row[3])  # stable: equal times stay in the order they were recorded
    expected = "disabled"
    for changed_entity, changed_noun, state, effective_from in ordered:
        if (changed_entity, changed_noun) == (entity, noun) and effective_from <= now:
            expected = state
    assert Timeline(ordered).state(entity, noun, now) == expected
