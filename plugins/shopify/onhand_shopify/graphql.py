"""The Admin API's texts. Versions 2026-01 to 2026-10 take them; later ones as far as Shopify keeps its word.

- `inventorySetQuantities` compares and sets by `changeFromQuantity` since 2026-01; from 2026-04 on it must be there, null
  to opt out, and `compareQuantity` is gone:
  https://shopify.dev/changelog/finalizing-compare-and-swap-redesign-for-inventory-set-quantities
- `@idempotent(key:)` is required since 2026-04; an attempt that failed needs another key:
  https://shopify.dev/changelog/making-idempotency-mandatory-for-inventory-adjustments-and-refund-mutations
- its errors: https://shopify.dev/docs/api/admin-graphql/latest/enums/InventorySetQuantitiesUserErrorCode
"""

from collections.abc import Sequence

__all__ = [
    "ITEMS",
    "ITEMS_BY_ID",
    "LOCATIONS",
    "QUANTITIES_MAX",
    "SET_QUANTITIES",
    "gid",
    "number_of",
    "quantities_query",
    "sku_query",
]

QUANTITIES_MAX = 250
SET_QUANTITIES = """
mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""
LOCATIONS = """
query Locations($after: String) {
  locations(first: 100, after: $after, includeInactive: true) {
    nodes { id name isActive }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ITEMS = """
query Items($after: String, $query: String) {
  inventoryItems(first: 100, after: $after, query: $query) {
    nodes { id sku variant { id } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ITEMS_BY_ID = """
query ItemsById($ids: [ID!]!) {
  nodes(ids: $ids) { ... on InventoryItem { id sku variant { id } } }
}
"""


def quantities_query(pairs: Sequence[tuple[int, int]]) -> str:
    """Return a query of what is available of (inventory item, location) pairs; the n-th is answered as `q<n>`."""
    fields = (
        f'q{n}: inventoryItem(id: "{gid("InventoryItem", item)}") {{ inventoryLevel(locationId: "{gid("Location", place)}")'
        ' { quantities(names: ["available"]) { quantity } } }'
        for n, (item, place) in enumerate(pairs)
    )
    return f"query Quantities {{ {' '.join(fields)} }}"


def sku_query(skus: Sequence[str]) -> str:
    """Return a search for inventory items of these SKUs; what it finds may be more, and is compared by its SKU."""
    quoted = (sku.replace("\\", "\\\\").replace("'", "\\'") for sku in skus)
    return " OR ".join(f"sku:'{sku}'" for sku in quoted)


def gid(kind: str, number: int) -> str:
    """Return a global id: `gid://shopify/InventoryItem/1`."""
    return f"gid://shopify/{kind}/{number}"


def number_of(gid: str) -> int:
    """Return the number that a global id ends with."""
    return int(gid.rpartition("/")[2].partition("?")[0])
