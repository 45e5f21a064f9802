"""What policies contribute to the core's own plugin: pages, permissions, the kind of approval."""

from flask import Blueprint
from flask_smorest import Blueprint as Resource

from onhand.contributions import ApprovalKind, MenuItem, Permission
from onhand.policies import views
from onhand.policies.proposing import KIND

__all__ = ["BLUEPRINTS", "KINDS", "MENU", "PERMISSIONS", "RESOURCES"]

BLUEPRINTS: list[Blueprint] = [views.policies]
RESOURCES: list[Resource] = [views.policies_api]
KINDS: list[ApprovalKind] = [KIND]
MENU = [MenuItem("Policies", "policies.index", "adjustments", "policies.read", 70)]
PERMISSIONS = [
    Permission("policies.read", "See policies, their history and why they have their values"),
    Permission("policies.edit", "Set policies, roll back and cancel versions, apply profiles"),
    Permission("policies.approve", "Agree to a change of a policy that somebody else asked for"),
]
