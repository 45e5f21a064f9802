import csv
import io

from onhand_demo import sheets
from onhand_demo.world import World


def rows(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode())))


def test_items_come_in_files_that_one_import_takes_and_none_is_lost(world: World) -> None:
    files = [rows(file) for file in sheets.items(world, world.items.keys())]
    assert len(files) > 1
    assert max(map(len, files)) <= sheets.ROWS_PER_FILE
    assert {row["sku"] for file in files for row in file} == {item.sku for item in world.items.values()}
    both = next(item for item in world.items.values() if len(item.entities) == 2)
    [row] = [row for file in files for row in file if row["sku"] == both.sku]
    assert row["entities"] == "EAST|WEST"
    assert row["gtin"] == both.gtin


def test_channels_keep_their_locations_in_order(world: World) -> None:
    [web] = [row for row in rows(sheets.channels(world)) if row["code"] == "east-web"]
    assert tuple(web["locations"].split("|")) == world.channels["east-web"].locations
    assert web["kind"] == "ecommerce"


def test_the_unlisted_store_is_on_no_sheet(world: World) -> None:
    codes = {row["code"] for row in rows(sheets.locations(world))}
    assert len(codes) == len(world.stores) + len(world.centres)
    assert world.unlisted[1].code not in codes
