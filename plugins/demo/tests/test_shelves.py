from onhand_demo.shelves import EVERY_NTH_STORE_IS_OFF, LINES_OFF, LINES_PER_STORE, closing
from onhand_demo.verdict import misjudged
from onhand_demo.world import World


def shelves(world: World) -> dict[tuple[str, str], int]:
    skus = [item.sku for item in world.items.values()][: LINES_PER_STORE + 20]
    there = {(store.code, sku): n % 7 for store in world.stores.values() for n, sku in enumerate(skus)}
    return there | {(store.code, skus[0]): -3 for store in world.stores.values()}


def test_every_store_tells_the_truth_but_for_a_few_that_are_off_by_what_is_said(world: World) -> None:
    there = shelves(world)
    plan = closing(world, there, seed=1)
    told = {
        (event.data["location"], line["sku"]): line["quantity"]
        for batch in plan.batches
        for event in [envelope.event for envelope in batch.envelopes]
        for line in event.data["lines"]
    }
    assert {store for store, _ in told} == {store.code for store in world.stores.values()}
    assert {place: units - there[place] for place, units in told.items() if units != there[place]} == plan.off
    assert min(told.values()) >= 0
    assert all(there[place] > 0 for place in told), "what the book lacks is told by nobody"
    wrong = {store for store, _ in plan.off}
    assert len(wrong) == -(-len(world.stores) // EVERY_NTH_STORE_IS_OFF)
    assert len(plan.off) == len(wrong) * LINES_OFF


def test_one_seed_one_report(world: World) -> None:
    there = shelves(world)
    assert closing(world, there, seed=1).off == closing(world, there, seed=1).off != closing(world, there, seed=2).off


def test_a_gap_that_was_missed_or_made_up_is_said() -> None:
    assert list(misjudged({("s", "a"): 1, ("s", "b"): -1}, {("s", "b"): -1})) == [
        "a at s: off by 0, says the site; by 1, in truth"
    ]
    assert list(misjudged({}, {("s", "c"): 2})) == ["c at s: off by 2, says the site; by 0, in truth"]
