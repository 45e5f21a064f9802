"""The doors: webhooks in, pages for people, resources for programs."""

from onhand_shopify.views import delivery_pages, edit_pages
from onhand_shopify.views.door import door
from onhand_shopify.views.pages import shopify
from onhand_shopify.views.shops_api import shopify_api

__all__ = ["delivery_pages", "door", "edit_pages", "shopify", "shopify_api"]
