"""Files of items, locations and categories: read strictly, applied whole or not at all."""

from onhand_master_data.importing.categories import import_categories
from onhand_master_data.importing.items import import_items, read_barcode
from onhand_master_data.importing.locations import import_locations

__all__ = ["import_categories", "import_items", "import_locations", "read_barcode"]
