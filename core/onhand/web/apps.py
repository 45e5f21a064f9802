"""The Apps page's matrix: which add-on is in which state for which entity, and what is scheduled next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import metadata

from sqlalchemy.orm import Session

from onhand.addons.faults import Fault
from onhand.addons.graph import Addon
from onhand.addons.health import Health, health_of
from onhand.addons.timeline import Enablement, State, Timeline, enablements
from onhand.running import not_running
from onhand.transaction import context
from onhand.web.shell import EntityLine

__all__ = ["NEXT_STATES", "TONES", "AppCell", "AppRow", "idle", "matrix", "summary_of", "title_of"]

TONES: dict[State, str] = {"enabled": "good", "draining": "warn", "disabled": "neutral"}
NEXT_STATES: dict[State, tuple[State, ...]] = {
    "disabled": ("enabled",),
    "enabled": ("draining", "disabled"),
    "draining": ("disabled", "enabled"),
}


@dataclass(frozen=True, slots=True)
class AppCell:
    """An add-on in one entity: its state now, and the next change if one is scheduled."""

    entity_id: int
    state: State
    next_state: State | None = None
    next_at: datetime | None = None

    @property
    def tone(self) -> str:
        """The tone of its chip."""
        return TONES[self.state]


@dataclass(frozen=True, slots=True)
class AppRow:
    """An add-on with its cell per entity, keyed as the columns are: `entity-<id>`. `is_idle`: it does not run here.

    `health`: how its hooks fared in the last hour, if any was called.
    """

    noun: str
    title: str
    summary: str
    version: str
    requires: tuple[str, ...]
    cells: dict[str, AppCell]
    is_idle: bool = False
    health: Health | None = None
    is_suspended: bool = False


def matrix(session: Session, entities: Sequence[EntityLine], *, now: datetime) -> list[AppRow]:
    """Return a row per installed add-on, requirements first, with a cell per entity."""
    addons = context(session).addons
    changes = enablements(session)
    timeline = Timeline(changes)
    healths = health_of(session, now=now)
    rows: list[AppRow] = []
    for noun in addons.names:
        addon = addons.addon(noun)
        cells = {f"entity-{entity.id}": _cell(timeline, changes, entity.id, noun, now) for entity in entities}
        requires = tuple(title_of(other) for other in addon.requires)
        is_idle = noun in addons.held or noun in addons.suspended
        rows.append(
            AppRow(
                noun, title_of(noun), summary_of(addon), addon.version, requires, cells, is_idle, healths.get(noun),
                noun in addons.suspended,
            )
        )  # fmt: skip
    return rows


def idle(session: Session, *, now: datetime) -> list[Fault]:
    """Return why each add-on that does not run does not, those which do by their noun as people read it."""
    return [replace(fault, noun=title_of(fault.noun)) for fault in not_running(session, now)]


def title_of(noun: str) -> str:
    """Write an add-on's noun as people read it."""
    return noun.replace("_", " ").capitalize()


def summary_of(addon: Addon) -> str:
    """Return the one line that an add-on's packaging says of it; nothing for one that is run without being installed."""
    try:
        return str(metadata.metadata(addon.distribution).json.get("summary", ""))
    except metadata.PackageNotFoundError:
        return ""


def _cell(timeline: Timeline, changes: Sequence[Enablement], entity_id: int, noun: str, now: datetime) -> AppCell:
    state = timeline.state(entity_id, noun, now)
    for changed_entity, changed_noun, next_state, at in changes:  # in the order they take effect
        if (changed_entity, changed_noun) == (entity_id, noun) and at > now:
            return AppCell(entity_id, state, next_state, at)
    return AppCell(entity_id, state)
