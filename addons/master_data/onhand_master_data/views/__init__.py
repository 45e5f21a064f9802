"""The doors: pages for people, resources for programs."""

from onhand_master_data.views.authorities import authorities_api
from onhand_master_data.views.authority_pages import authority_pages
from onhand_master_data.views.duplicate_pages import duplicate_pages, next_steps
from onhand_master_data.views.ground_pages import ground_pages
from onhand_master_data.views.groundwork import categories_api, units_api
from onhand_master_data.views.imports import imports
from onhand_master_data.views.item_pages import item_pages
from onhand_master_data.views.items import items_api
from onhand_master_data.views.location_pages import location_pages
from onhand_master_data.views.locations import locations_api
from onhand_master_data.views.owner_pages import owner_pages
from onhand_master_data.views.owners import owners_api
from onhand_master_data.views.pages import master_data
from onhand_master_data.views.quality import quality_api, rules_api
from onhand_master_data.views.quality_pages import quality_pages
from onhand_master_data.views.quality_tile import quality_tile
from onhand_master_data.views.request_pages import request_pages
from onhand_master_data.views.requests import requests_api

__all__ = [
    "authorities_api",
    "categories_api",
    "items_api",
    "locations_api",
    "master_data",
    "next_steps",
    "owners_api",
    "quality_api",
    "quality_tile",
    "requests_api",
    "rules_api",
    "units_api",
]

PAGES = (
    authority_pages,
    duplicate_pages,
    ground_pages,
    imports,
    item_pages,
    location_pages,
    owner_pages,
    quality_pages,
    request_pages,
)
assert all(pages is master_data for pages in PAGES)  # noqa: S101 - imported for their routes
