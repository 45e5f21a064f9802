from onhand_demo.journey import Journey
from onhand_demo.options import Options
from onhand_demo.retailer import EAST, WEST
from onhand_demo.world import World, build


def test_two_entities_with_different_addons_run_at_least_thirty_stores_and_two_centres(world: World) -> None:
    assert len(world.stores) >= 30
    assert {store.entity for store in world.stores.values()} == {EAST, WEST}
    assert [centre.entity for centre in world.centres.values()] == [EAST, WEST]
    assert set(EAST.addons) - set(WEST.addons) == {"reservations", "demo"}


def test_one_seed_one_world(journey: Journey, world: World, options: Options) -> None:
    assert build(journey, options) == world
    assert build(journey, Options(events=options.events, seed=1)) != world


def test_every_location_of_a_channel_is_master_data_of_its_own_entity(world: World) -> None:
    entity_of = {location.code: location.entity for location in world.locations}
    for channel in world.channels.values():
        assert len(set(channel.locations)) == len(channel.locations)
        assert {entity_of[code] for code in channel.locations} == {channel.entity}
    assert {channel.kind for channel in world.channels.values()} == {
        "pos",
        "ecommerce",
        "call_centre",
        "marketplace",
    }


def test_items_are_distinct_and_stocked_where_they_are_sold(world: World) -> None:
    assert len({item.sku for item in world.items.values()}) == len(world.items)
    assert len({item.gtin for item in world.items.values()}) == len(world.items)
    for basket in world.baskets:
        store = world.stores.get(basket.store_id)
        if store is not None:
            assert all(store.entity.code in world.items[product].entities for product, _ in basket.lines)


def test_what_is_withheld_is_sold_and_half_of_it_is_entered_later(world: World, options: Options) -> None:
    sold = {product for basket in world.baskets for product, _ in basket.lines}
    assert len(world.withheld) == options.withheld
    assert set(world.withheld) <= sold
    assert len(world.mended) == options.withheld // 2


def test_most_tills_take_seconds_and_some_hours(world: World) -> None:
    slow = [store for store in world.stores.values() if store.tills[0].delay_s > 3600]
    assert 0 < len(slow) < len(world.stores) / 10
    assert all(1 <= till.delay_s <= 20 for store in world.stores.values() if store not in slow for till in store.tills)


def test_categories_form_a_tree_in_which_every_item_has_its_place(world: World) -> None:
    codes = [category.code for category in world.categories]
    assert len(set(codes)) == len(codes)
    assert {category.parent for category in world.categories} - {None} <= set(codes)
    assert {item.category for item in world.items.values()} <= set(codes)


def test_a_unit_of_each_category_is_worth_what_it_brought_in_on_average(world: World, journey: Journey) -> None:
    assert world.values.keys() == {item.category for item in world.items.values()}
    takings = journey.takings()
    [chosen] = [code for code in world.values if code.endswith("BANANAS")] or [next(iter(world.values))]
    amounts = [takings[product] for product, item in world.items.items() if item.category == chosen]
    units = sum(count for _, count in amounts)
    assert world.values[chosen] == max(round(100 * sum(amount for amount, _ in amounts) / units), 1)
    assert 50 < sorted(world.values.values())[len(world.values) // 2] < 1_000  # a grocer's middle: half a dollar to ten
