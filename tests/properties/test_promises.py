"""Whatever is asked of the shop in whatever order: every law of the books holds after every step, and the model agrees."""

import pytest
from hypothesis import Phase
from hypothesis.stateful import run_state_machine_as_test
from onhand_reservations.services import expiry, settling

from properties.effort import effort
from properties.machine import ShopMachine


@pytest.fixture
def machine(fresh_shop):
    """The machine, on a shop that is new for every example."""
    return type("Machine", (ShopMachine,), {"begin": staticmethod(fresh_shop)})


def test_no_order_of_verbs_breaks_a_law(machine):
    run_state_machine_as_test(machine, settings=effort(8, stateful_step_count=25))


@pytest.mark.parametrize(("module", "broken"), [(settling, "mark_released"), (expiry, "mark_lapsed")])
def test_the_machine_notices_units_that_are_given_back_and_still_promised(machine, monkeypatch, module, broken):
    """The control: with a verb that forgets to end a promise, the same run turns red."""
    monkeypatch.setattr(module, broken, lambda sql, parts: None)
    fast = effort(40, stateful_step_count=25, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=fast)
