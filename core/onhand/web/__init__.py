"""The web shell, for pages: columns of their lists, fields of their forms, amounts; `init_app` is all the factory calls."""

from onhand.web.amounts import minor_units
from onhand.web.formats import sentence
from onhand.web.forms import asked, filled, filters, trimmed, whole_number
from onhand.web.install import init_app
from onhand.web.tables import Column

__all__ = [
    "Column", "asked", "filled", "filters", "init_app", "minor_units", "sentence", "trimmed", "whole_number",
]  # fmt: skip
