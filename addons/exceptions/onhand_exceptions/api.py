"""What other add-ons may import. To raise something they need nothing of this: they publish `ExceptionsRaised`."""

from onhand_exceptions.services import (
    Assignment,
    Comment,
    Done,
    Refused,
    Resolution,
    assign,
    comment,
    resolve,
)

__all__ = ["Assignment", "Comment", "Done", "Refused", "Resolution", "assign", "comment", "resolve"]
