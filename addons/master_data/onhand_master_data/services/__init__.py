"""The verbs of master data. Only this package writes its tables."""

from onhand_master_data.services.authorities import (
    Ending,
    Naming,
    Registered,
    demand_authority,
    end_authorities,
    name_authorities,
    registered,
)
from onhand_master_data.services.categories import create_categories, save_categories
from onhand_master_data.services.governed import (
    Changed,
    Terms,
    change_items,
    change_locations,
    change_units,
    merge_items,
    preview_merge,
    save_places,
)
from onhand_master_data.services.items import create_items, save_items, update_items
from onhand_master_data.services.locations import create_locations, save_locations, update_locations
from onhand_master_data.services.measuring import Score, is_stale, latest_scores, measure
from onhand_master_data.services.owning import FIELD_NAMES, NewOwner, Owner, name_owners, owners
from onhand_master_data.services.requesting import Requested, apply_due, withdraw_requests
from onhand_master_data.services.rule_settings import (
    NewSetting,
    Setting,
    add_rules,
    known_rules,
    retire_rules,
    rule_labels,
    settings,
)
from onhand_master_data.services.telling_apart import Distinct, near_same_to, tell_apart
from onhand_master_data.services.units import create_units, rename_units
from onhand_master_data.services.violations import attempts_of, report_violations

__all__ = [
    "FIELD_NAMES",
    "Changed",
    "Distinct",
    "Ending",
    "Naming",
    "NewOwner",
    "NewSetting",
    "Owner",
    "Registered",
    "Requested",
    "Score",
    "Setting",
    "Terms",
    "add_rules",
    "apply_due",
    "attempts_of",
    "change_items",
    "change_locations",
    "change_units",
    "create_categories",
    "create_items",
    "create_locations",
    "create_units",
    "demand_authority",
    "end_authorities",
    "is_stale",
    "known_rules",
    "latest_scores",
    "measure",
    "merge_items",
    "name_authorities",
    "name_owners",
    "near_same_to",
    "owners",
    "preview_merge",
    "registered",
    "rename_units",
    "report_violations",
    "retire_rules",
    "rule_labels",
    "save_categories",
    "save_items",
    "save_locations",
    "save_places",
    "settings",
    "tell_apart",
    "update_items",
    "update_locations",
    "withdraw_requests",
]  # fmt: skip
