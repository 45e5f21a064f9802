"""Events as their senders keep them: the body is made once, so that it is the same whenever it is sent."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

__all__ = ["Facts", "Outcome", "facts"]

Outcome = Literal["acknowledged", "refused", "unknown"]
FactLine = tuple[str, str, int]
"""(line, SKU, quantity)"""


@dataclass(eq=False, slots=True)
class Facts:
    """An event and what its senders were told of it."""

    channel: str
    id: str
    type: str
    body: bytes
    order: str | None
    location: str
    lines: tuple[FactLine, ...]
    is_understood: bool = True
    outcome: Outcome = "unknown"
    told: set[str] = field(default_factory=set)
    conflicts: int = 0
    """other bodies that were sent under its id, and answered so"""


def facts(channel: str, name: str, what: str, location: str, order: str | None, lines: tuple[FactLine, ...]) -> Facts:
    """Return an event that occurs now."""
    return Facts(channel, name, what, body_of(channel, name, what, location, order, lines), order, location, lines)


def body_of(channel: str, name: str, what: str, location: str, order: str | None, lines: tuple[FactLine, ...]) -> bytes:
    """Return the text of an event."""
    data: dict[str, object] = {
        "location": location,
        "lines": [{"line": line, "sku": sku, "quantity": quantity} for line, sku, quantity in lines],
    }
    if order is not None:
        data["order"] = order
    return json.dumps(
        {
            "specversion": "1.0",
            "id": name,
            "source": channel,
            "type": f"onhand.{what}.v1",
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }
    ).encode()
