"""An item at a location, as causes and links name it: SKUs and codes may have blanks, `+` and `#`."""

from datetime import UTC, datetime

from onhand_master_data.api import ItemName, LocationName
from onhand_stock.api import cause_at, item_page, places_named

AT = datetime(2026, 1, 5, tzinfo=UTC)


def test_the_page_of_an_item_is_found_by_any_sku_and_code():
    assert item_page("A 1#+b") == "/stock/items/A%201%23%2Bb"
    assert item_page("T", "N + 1", "available") == "/stock/items/T?location=N+%2B+1&state=available"


def test_a_cause_names_its_place_in_a_key_that_is_read_again():
    item, location = ItemName(7, "T#1", "Tea", "EA"), LocationName(3, "S+1", "Shop", "store", 1)
    cause = cause_at(1, item, location, quantity=2, occurred_at=AT, title="gone", evidence={"times": 4})
    assert (cause.title, cause.item_id, cause.location_id) == ("T#1 at S+1: gone", 7, 3)
    assert cause.evidence == {"sku": "T#1", "location": "S+1", "href": item_page("T#1", "S+1"), "times": 4}
    assert places_named([cause.key, "data:7", "item:x@location:y", "item:9@location:"]) == ("{7}", "{3}")
    assert (places_named(None), places_named([])) == ((None, None), ("{}", "{}"))
