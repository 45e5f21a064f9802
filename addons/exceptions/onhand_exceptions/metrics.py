"""How many exceptions are open, for Prometheus."""

from onhand.db import cursor
from onhand.metrics import registry
from prometheus_client import Gauge
from sqlalchemy.orm import Session

__all__ = ["measure"]

OPEN = """
/* exceptions.measure */ SELECT entity.code, e.kind, count(*) FROM exceptions.exception AS e
JOIN onhand.entity ON entity.id = e.entity_id WHERE e.status = 'open' GROUP BY entity.code, e.kind
"""

exceptions_open = Gauge(
    "onhand_exceptions_open",
    "Open exceptions by entity and leading kind",
    ["entity", "kind"],
    registry=registry,
    multiprocess_mode="mostrecent",
)
_known: set[tuple[str, str]] = set()


def measure(session: Session) -> None:
    """Read how many are open in the session's entities into the gauge; a kind once seen falls to 0, not silent."""
    counts = {(row[0], row[1]): row[2] for row in cursor(session).execute(OPEN)}
    _known.update(counts)
    for labels in _known:
        exceptions_open.labels(*labels).set(counts.get(labels, 0))
