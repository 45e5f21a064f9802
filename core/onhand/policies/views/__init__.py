"""The doors of policies: pages for people, resources for programs."""

from onhand.policies.views import changing as changing
from onhand.policies.views import detail as detail
from onhand.policies.views import profile_pages as profile_pages
from onhand.policies.views.pages import policies
from onhand.policies.views.resources import policies_api

__all__ = ["policies", "policies_api"]
