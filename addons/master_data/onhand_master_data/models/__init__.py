"""Tables of `master_data`, and every rule about them that the database can hold."""

from onhand_master_data.models.authorities import Authority, AuthorityViolation
from onhand_master_data.models.changes import ChangeRequest, PackFactor
from onhand_master_data.models.quality import DistinctPair, Finding, QualityScore, RuleSetting
from onhand_master_data.models.things import (
    CODE,
    NAME,
    Barcode,
    Category,
    Item,
    ItemEntity,
    Location,
    Pack,
    Unit,
    Version,
)

__all__ = [
    "CODE", "NAME", "Authority", "AuthorityViolation", "Barcode", "Category", "ChangeRequest", "DistinctPair", "Finding", "Item", "ItemEntity", "Location", "Pack", "PackFactor", "QualityScore", "RuleSetting",
    "Unit", "Version",
]  # fmt: skip
