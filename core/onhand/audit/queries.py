"""Reading the trail: a list by filter, one row with what changed, and how its seal stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from onhand.audit.digests import TEXTS, Sealed, Texts, block_digest, differing, leaf_of
from onhand.audit.models import Audit, Block
from onhand.db import cursor

__all__ = [
    "ORDER",
    "Difference",
    "Filter",
    "Standing",
    "block",
    "differences",
    "listed",
    "one",
    "rows_of",
    "standing",
    "standings",
]

ORDER = (Audit.id.desc(),)
MISSING = msgspec.UNSET
LISTED: tuple[Any, ...] = (
    Audit.id, Audit.recorded_at, Audit.entity_id, Audit.actor, Audit.actor_name, Audit.action, Audit.subject, Audit.reason,
)  # fmt: skip
ROW = f"/* audit.row */ SELECT {', '.join(TEXTS)} FROM onhand.audit a WHERE a.id = %s"


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. `actor` is a name's beginning or a reference (`user:5`); `action` and `subject` begin with the text."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    of_group: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change: its name, and its value before and after as text; None where it was not there."""

    field: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether it did change."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Standing:
    """How the seal of a row stands: None for `block` says that it is not sealed yet."""

    block: int | None
    is_intact: bool = True
    fields: tuple[str, ...] = ()


def listed(wanted: Filter, *, with_group: bool) -> Select[Any]:
    """Return the rows within the transaction's scope that match, and those of the group for who may see them."""
    rows = select(*LISTED)
    if not with_group or wanted.of_group is False:
        rows = rows.where(Audit.entity_id.is_not(None))
    elif wanted.of_group:
        rows = rows.where(Audit.entity_id.is_(None))
    if wanted.actor:
        name = func.lower(Audit.actor_name).startswith(wanted.actor.lower(), autoescape=True)
        rows = rows.where(or_(Audit.actor == wanted.actor, name))
    if wanted.action:
        rows = rows.where(Audit.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        rows = rows.where(Audit.subject.startswith(wanted.subject, autoescape=True))
    if wanted.since:
        rows = rows.where(Audit.recorded_at >= wanted.since)
    if wanted.until:
        rows = rows.where(Audit.recorded_at < wanted.until)
    return rows


def one(session: Session, id_: int, *, with_group: bool) -> Audit | None:
    """Return a row within scope, apart from its session."""
    row = session.get(Audit, id_)
    if row is None or not (with_group or row.entity_id is not None):
        return None
    session.expunge(row)
    return row


def differences(row: Audit) -> list[Difference]:
    """Return the fields that the row tells of, those that changed first."""
    before, after = row.before or {}, row.after or {}
    names = [*before, *(name for name in after if name not in before)]
    found = [Difference(name, _shown(before, name), _shown(after, name)) for name in names]
    return sorted(found, key=lambda one: not one.changed)


def standing(session: Session, id_: int) -> Standing:
    """Recompute the digest of one row and hold it against the block that sealed it."""
    found = session.execute(
        text(
            "SELECT b.number, b.leaves[p.place], b.marks[p.place] FROM ("
            "  SELECT * FROM onhand.audit_block WHERE last_id >= :id ORDER BY last_id LIMIT 1"
            ") b LEFT JOIN LATERAL (SELECT array_position(b.ids, CAST(:id AS bigint)) AS place) p ON true WHERE b.after_id < :id"
        ),
        {"id": id_},
    ).first()
    if found is None:
        return Standing(None)
    number, leaf, marks = found
    texts: Texts = cursor(session).execute(ROW, (id_,)).fetchone() or ()
    if leaf is None:
        return Standing(number, is_intact=False)
    return Standing(number, leaf == leaf_of(texts), () if leaf == leaf_of(texts) else differing(marks, texts))


def standings(session: Session, ids: list[int]) -> dict[int, int]:
    """Return the blocks of rows, by their ids; rows not sealed yet are left out."""
    found = session.execute(
        text(
            "SELECT w.id, b.number FROM unnest(CAST(:ids AS bigint[])) AS w (id), LATERAL ("
            "  SELECT number, after_id FROM onhand.audit_block WHERE last_id >= w.id ORDER BY last_id LIMIT 1"
            ") b WHERE b.after_id < w.id"
        ),
        {"ids": ids},
    )
    return {id_: number for id_, number in found}  # noqa: C416 - rows are typed when they are taken apart


def block(session: Session, number: int) -> tuple[Block, bool, bool] | None:
    """Return a block, whether its digest recomputes, and whether it follows the one before."""
    found = session.get(Block, number)
    if found is None:
        return None
    session.expunge(found)
    before = session.scalar(select(Block.digest).where(Block.number == number - 1))
    return found, block_digest(Sealed.by(found)) == found.digest, found.previous == before


def rows_of(found: Block, *, with_group: bool) -> Select[Any]:
    """Return the rows of a block that are within scope."""
    return listed(Filter(), with_group=with_group).where(Audit.id > found.after_id, Audit.id <= found.last_id)


def _shown(values: dict[str, Any], name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
