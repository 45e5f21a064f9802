"""What surrounds a page: who is signed in, the entity they work in, the others they may switch to, the menu."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from flask import g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access import Principal, current_entity, principal_or_none
from onhand.addons.models import Entity
from onhand.addons.shown import Unshown, look_only
from onhand.contributions import MenuItem
from onhand.transaction import context, run
from onhand.web.menu import Entry, entries, mark_current

__all__ = ["SITE", "EntityLine", "Shell"]

SITE = "Onhand"
log = structlog.get_logger("onhand.web")


@dataclass(frozen=True, slots=True)
class EntityLine:
    """An entity as pages name it."""

    id: int
    code: str
    name: str
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Shell:
    """What `base.html` draws around a page. Nobody signed in: only the site's name."""

    site: str = SITE
    person: str | None = None
    roles: tuple[str, ...] = ()
    entity: EntityLine | None = None
    entities: tuple[EntityLine, ...] = ()
    menu: tuple[Entry, ...] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def zone(self) -> str:
        """The time zone that moments are written in."""
        return self.entity.time_zone if self.entity else "UTC"

    @classmethod
    def of_request(cls) -> "Shell":
        """Return this request's shell, looked up once."""
        if "onhand_shell" not in g:
            g.onhand_shell = cls._look_up()
        shell: Shell = g.onhand_shell
        return shell

    @classmethod
    def bare(cls) -> "Shell":
        """Give this request a shell that asks nobody, for a page that must be drawn whatever is broken."""
        shell: Shell = g.setdefault("onhand_shell", cls())
        return shell

    @classmethod
    def _look_up(cls) -> "Shell":
        known = principal_or_none()
        if known is None:
            return cls()
        chosen, reachable = current_entity(), known.entities()
        try:
            return run(lambda session, now: _draw(session, known, chosen, now), entities=reachable)
        except Exception:  # somebody's count, most likely: each is asked apart, so that one leaves out its own
            return run(lambda session, now: _draw(session, known, chosen, now, is_wary=True), entities=reachable)


def entity_lines(session: Session, ids: Sequence[int]) -> tuple[EntityLine, ...]:
    """Return entities by name."""
    query = select(Entity).where(Entity.id.in_(ids)).order_by(Entity.name)
    return tuple(EntityLine(row.id, row.code, row.name, row.currency, row.time_zone) for row in session.scalars(query))


def _draw(session: Session, known: Principal, chosen: int | None, now: datetime, *, is_wary: bool = False) -> Shell:
    def count(item: MenuItem) -> int | None:
        if item.count is None or chosen is None:
            return None
        if not is_wary:
            return item.count(session, known, chosen, now)
        try:
            return look_only(session, lambda: item.count(session, known, chosen, now))  # type: ignore[misc]  # not None: asked above
        except Unshown as error:
            log.warning("count_left_out", item=item.label, error=str(error))
            return None

    addons = context(session).addons
    lines = entity_lines(session, known.entities())
    menu = entries(
        addons.gather_by_addon("menu"),
        works=lambda noun: chosen is not None and addons.active(chosen, noun, now),
        may=lambda permission: known.may(permission, chosen),
        count=count,
    )
    return Shell(
        person=known.actor.name,
        roles=tuple(known.roles),
        entity=next((line for line in lines if line.id == chosen), None),
        entities=lines,
        menu=tuple(mark_current(menu, request.path)),
        now=now,
    )
