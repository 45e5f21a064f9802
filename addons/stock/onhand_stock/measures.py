"""What Prometheus is told of the books: what the last verification found, and when that was."""

from datetime import datetime

from onhand.contributions import Measure
from sqlalchemy.orm import Session

from onhand_stock.queries import last_verification

__all__ = ["last_verified"]

DIFFERENCES = "onhand_stock_verification_differences"


def last_verified(session: Session, now: datetime) -> list[Measure]:
    """Return the last verification's differences, in all and by law, its age and how long it took; nothing if there is none."""
    last = last_verification(session)
    if last is None:
        return []
    by_law = [
        Measure(f"{DIFFERENCES}_by_law", "Rows that broke a law at the last verification", law["differences"],
                {"code": law["code"], "law": law["name"]})
        for law in last.findings
    ]  # fmt: skip
    age = (now - last.recorded_at).total_seconds()
    return [
        Measure(DIFFERENCES, "Rows that broke any law at the last verification", last.differences),
        Measure("onhand_stock_verification_age_seconds", "How long ago the books were last verified", age),
        Measure("onhand_stock_verification_seconds", "How long the last verification took", last.seconds),
        *by_law,
    ]
