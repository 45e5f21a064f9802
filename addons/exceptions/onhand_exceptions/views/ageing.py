"""How old is old: the tones in which ages, due times and states are shown."""

from datetime import datetime, timedelta

__all__ = ["STATE_TONES", "due_tone", "tone"]

STATE_TONES = {"new": "info", "ongoing": "neutral", "escalating": "bad", "regressed": "warn", "resolved": "good"}

LATE, VERY_LATE = timedelta(hours=4), timedelta(hours=24)


def tone(age: timedelta, status: str) -> str:
    """Return the tone of an age: what was not looked at within a day is bad; what is resolved is past worrying."""
    if status != "open" or age < LATE:
        return "neutral"
    return "bad" if age >= VERY_LATE else "warn"


def due_tone(due_at: datetime, now: datetime) -> str:
    """Return the tone of when something is due: overdue is bad, within the hour warns."""
    left = due_at - now
    return "bad" if left <= timedelta(0) else "warn" if left <= timedelta(hours=1) else "neutral"
