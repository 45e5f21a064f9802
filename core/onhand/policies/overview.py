"""Every policy at a glance: its value in an entity, what decided it, and what is set for narrower places or to come."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from onhand.contributions import PolicyType
from onhand.policies.book import Place, PolicyBook, Where
from onhand.policies.values import shown, stored
from onhand.transaction import context

__all__ = ["Line", "Narrowing", "overview"]


@dataclass(frozen=True, slots=True)
class Line:
    """A policy: its value in the entity, who decided that, how many narrower places differ, and what comes next."""

    addon: str
    kind: PolicyType
    said: str
    decided: str
    narrower: int
    next_at: datetime | None

    @property
    def is_set(self) -> bool:
        """Whether anybody has set it here, for a narrower place, or for later."""
        return self.decided != "default" or self.narrower > 0 or self.next_at is not None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How a list of policies is narrowed; nothing of it narrows."""

    text: str = ""
    addon: str = ""
    is_set: bool = False

    def fits(self, line: Line) -> bool:
        """Return whether a line stays in the list."""
        said = f"{line.kind.name} {line.kind.label} {line.kind.help}".lower()
        return (
            all(word in said for word in self.text.lower().split())
            and self.addon in ("", line.addon)
            and (line.is_set or not self.is_set)
        )


def overview(session: Session, entity_id: int, *, now: datetime) -> list[Line]:
    """Return a line per policy of the add-ons active for an entity, add-ons in dependency order. Reads memory alone."""
    here = context(session)
    return [
        _line(here.policies, noun, kind, entity_id, now)
        for noun, kinds in here.addons.gather_by_addon("policies")
        if here.addons.active(entity_id, noun, now)
        for kind in kinds
    ]


def _line(book: PolicyBook, noun: str, kind: PolicyType, entity_id: int, now: datetime) -> Line:
    found = book.deciding(kind.name, Where(entity_id=entity_id).key, now)
    set_at: dict[Place, bool] = {}
    later = []
    for place, effective_from, setting in book.versions(kind.name):
        *narrower, entity = place
        if entity not in (None, entity_id):
            continue
        if effective_from > now:
            later.append(effective_from)
        elif any(part is not None for part in narrower):
            set_at[place] = setting.value is not None
    return Line(
        addon=noun,
        kind=kind,
        said=shown(kind, kind.default if found is None else stored(kind, found.setting.value)),
        decided="default" if found is None else "group" if found.place[-1] is None else "entity",
        narrower=sum(set_at.values()),
        next_at=min(later, default=None),
    )
