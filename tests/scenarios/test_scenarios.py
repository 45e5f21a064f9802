"""Stories of the last unit, generated and judged at every step. `make scenario` tells ten thousand of them."""

from collections.abc import Callable
from typing import Any

import pytest
from onhand.testing import Entity
from onhand.testing.site import Site
from onhand_stock.testing import differences

from scenarios.audit import RULES, report
from scenarios.day import live
from scenarios.doors import Store, open_store
from scenarios.naive import FLAWS, Naive
from scenarios.over_http import OverHttp
from scenarios.plot import plot
from scenarios.real import Verbs

SEED = 7
BY_VERBS, OVER_HTTP = range(460), range(460, 500)
SEEN_AT_LEAST = {
    "a unit leaves that the book does not have": 50,
    "a late fact takes back what a count adjusted": 20,
    "a late fact leaves the book beside what was counted": 3,
    "a promised unit cannot be found": 50,
    "an on-line order is refused": 50,
    "the payment comes too late": 20,
    "the marketplace cannot be served": 50,
    "the fitting room is overlooked": 20,
    "events are told twice": 50,
    "one exception has two kinds of evidence": 10,
    "its exception stays open": 50,
    "its exception closes itself": 50,
    "it ends without a conflict": 50,
    "shelf and book differ, and an exception says so": 5,
}


@pytest.fixture
def store(onhand_site: Site, entities: tuple[Entity, Entity]) -> Store:
    return open_store(onhand_site, entities[0])


def test_no_story_ends_badly(store: Store, transact: Callable[..., Any]) -> None:
    """Four hundred and sixty stories through the verbs; they saw all that the generator is there to find."""
    day = live(Verbs(store), SEED, BY_VERBS)
    assert not day.findings, report(day.findings)
    assert {what: day.seen[what] for what, least in SEEN_AT_LEAST.items() if day.seen[what] < least} == {}
    assert transact(differences) == []


def test_no_story_ends_badly_over_http(store: Store, transact: Callable[..., Any]) -> None:
    day = live(OverHttp(store), SEED, OVER_HTTP)
    assert not day.findings, report(day.findings)
    assert transact(differences) == []


def test_a_seed_and_a_number_are_one_plot() -> None:
    assert plot(SEED, 12) == plot(SEED, 12)
    assert len({str(plot(seed, number).scenes) for seed in (1, 2) for number in range(50)}) == 100


def test_a_sound_twin_tells_the_same_stories_without_a_finding() -> None:
    day = live(Naive(), SEED, range(150))
    assert not day.findings, report(day.findings)


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_naive_twin_is_found_out(flaw: str) -> None:
    """The control: what is often built is found out by the rule that forbids it, so these stories can end badly."""
    day = live(Naive(flaw), SEED, range(150))
    assert FLAWS[flaw] in {finding.rule for finding in day.findings}, report(day.findings)


def test_every_rule_is_known_to_find_something() -> None:
    assert set(FLAWS.values()) == set(RULES)
