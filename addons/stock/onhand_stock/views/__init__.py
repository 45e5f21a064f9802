"""The doors: pages for people, resources for programs."""

from onhand_stock.views import adjust_page as adjust_page
from onhand_stock.views import adjustment_pages as adjustment_pages
from onhand_stock.views import entry_page as entry_page
from onhand_stock.views import inquiry as inquiry
from onhand_stock.views import item_page as item_page
from onhand_stock.views import verification_page as verification_page
from onhand_stock.views.adjustments import adjustments_api
from onhand_stock.views.balances import balances_api
from onhand_stock.views.counts import counts_api
from onhand_stock.views.movements import movements_api
from onhand_stock.views.next_steps import next_steps
from onhand_stock.views.pages import stock
from onhand_stock.views.tile import stock_tiles

__all__ = ["adjustments_api", "balances_api", "counts_api", "movements_api", "next_steps", "stock", "stock_tiles"]
