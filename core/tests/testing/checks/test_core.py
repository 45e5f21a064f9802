"""The checks are whole, and the core keeps to them."""

import pytest
from onhand.contract import CHECKS, Subject
from onhand.migrate.runner import CORE
from planting import SAMPLE


def test_every_check_says_what_to_do_under_a_name_of_its_own():
    assert len({each.name for each in CHECKS}) == len(CHECKS) >= 30
    assert [each.name for each in CHECKS if not each.advice] == []


OF_ADDONS = {
    "one noun names everything", "contributions begin with the noun", "only run ends a transaction",
    "only public names of the core are imported", "what is imported is required", "routes ask for permissions there are",
    "tables say whose rows they have",
}  # fmt: skip
"""What the core is there to do for all others, or does under several nouns; its tables may be of an entity or of none."""


@pytest.fixture(scope="module")
def core(onhand_sites):
    return Subject(CORE, onhand_sites.site([SAMPLE]).app)


@pytest.mark.parametrize("check", [each for each in CHECKS if each.name not in OF_ADDONS], ids=str)
def test_the_core_keeps_to_what_it_asks_of_others(core, check):
    assert [*check.faults(core)] == []
