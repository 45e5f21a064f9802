"""The doors: pages for people, resources for programs."""

from onhand.reasons.views.pages import reasons
from onhand.reasons.views.resources import reasons_api

__all__ = ["reasons", "reasons_api"]
