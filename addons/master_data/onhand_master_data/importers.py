"""The files that `onhand import NAME FILE`, the REST doors and the import page accept."""

from onhand.contributions import Importer

from onhand_master_data.importing import import_categories, import_items, import_locations

__all__ = ["ALL", "CATEGORIES", "ITEMS", "LOCATIONS"]

ITEMS = Importer(
    "items",
    "sku, name; optional: base_unit (EA), category, gtin (several with |, on a pack CS:GTIN), entities (A|B),"
    " packs (CS=12|PX=480)",
    import_items,
)
LOCATIONS = Importer(
    "locations",
    "code, name, entity; optional: kind (store), gln, time_zone (the entity's)",
    import_locations,
)
CATEGORIES = Importer("categories", "code, name; optional: parent", import_categories)
ALL = (CATEGORIES, ITEMS, LOCATIONS)
