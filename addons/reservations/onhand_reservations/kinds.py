"""The movements of promises."""

from onhand_stock.api import MovementKind

__all__ = ["PROMISE_KINDS"]

PROMISE_KINDS = (
    MovementKind("reserve", "Reserved", "intent", (("available", "reserved"),)),
    MovementKind("release", "Released", "fact", (("reserved", "available"),)),
)
