"""What reason codes contribute to the core's own plugin."""

from flask import Blueprint
from flask_smorest import Blueprint as Resource

from onhand.contributions import MenuItem, Permission
from onhand.reasons import views
from onhand.reasons.files import EXPORTER, IMPORTER

__all__ = ["BLUEPRINTS", "EXPORTERS", "IMPORTERS", "MENU", "PERMISSIONS", "RESOURCES"]

BLUEPRINTS: list[Blueprint] = [views.reasons]
RESOURCES: list[Resource] = [views.reasons_api]
MENU = [MenuItem("Reason codes", "reasons.vocabulary", "tag", "reasons.read", order=70)]
IMPORTERS = [IMPORTER]
EXPORTERS = [EXPORTER]
PERMISSIONS = [
    Permission("reasons.read", "See reason codes"),
    Permission("reasons.edit", "Add, change and retire reason codes (in the group, or those one owns)"),
]
