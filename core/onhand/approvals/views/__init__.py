"""The doors: pages for people, resources for programs."""

from onhand.approvals.views import delegation, ruling
from onhand.approvals.views.pages import approvals
from onhand.approvals.views.resources import approvals_api
from onhand.approvals.views.settings_api import delegations_api, rules_api

__all__ = ["approvals", "approvals_api", "delegation", "delegations_api", "rules_api", "ruling"]
