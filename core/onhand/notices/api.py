"""Notices, as add-ons use them."""

from onhand.notices.services import NewNotice, notify

__all__ = ["NewNotice", "notify"]
