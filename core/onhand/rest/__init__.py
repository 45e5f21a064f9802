"""REST: resources and hot doors under `/api/v1`, one description, problems, signed cursors."""

from onhand.rest import fields, wire
from onhand.rest.api import PREFIX, Api, init_app, mount
from onhand.rest.calls import Answer, Asking, Call, called
from onhand.rest.documents import document
from onhand.rest.paging import LIMIT_DEFAULT, LIMIT_MAX, Narrow, Page, page

__all__ = [
    "LIMIT_DEFAULT", "LIMIT_MAX", "PREFIX", "Answer", "Api", "Asking", "Call", "Narrow", "Page", "called", "document", "fields", "init_app", "mount", "page", "wire",
]  # fmt: skip
