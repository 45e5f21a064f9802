"""Check reason codes for use; add, change and retire them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.models import User
from onhand.actors import Actor
from onhand.db import take_turn
from onhand.reasons.models import ReasonCode

__all__ = ["CODE", "BadReason", "ReasonDraft", "ReasonRefused", "check", "reasons", "reinstate", "retire", "save"]

CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
KIND = re.compile(r"[a-z][a-z0-9_]{0,59}")
LABEL_CHARACTERS_MAX = 80
HELP_CHARACTERS_MAX = 500
KINDS_MAX = 50
Why = Literal["unknown", "retired", "not_allowed"]


class ReasonRefused(Exception):
    """A reason code that cannot be: `field` of the draft at `position` is what to mend; `why` says how it failed."""

    def __init__(
        self, field: str, detail: str, position: int = 0, why: Literal["invalid", "unknown", "changed"] = "invalid"
    ) -> None:
        self.field, self.position, self.why = field, position, why
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class BadReason:
    """A reason code that may not be given: unknown, retired, or not for this kind of movement."""

    code: str
    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class ReasonDraft:
    """A reason code as it shall be. `kinds` empty: for every kind of movement. `version`: the one that was seen, None for new."""

    code: str
    label: str
    help: str = ""
    kinds: tuple[str, ...] = ()
    owner_user_id: int | None = None
    version: int | None = None


def reasons(session: Session, *, retired: bool = False) -> list[ReasonCode]:
    """Return the reason codes in use by their labels, with `retired` also those no longer."""
    query = select(ReasonCode).order_by(ReasonCode.label, ReasonCode.code)
    return list(session.scalars(query if retired else query.where(ReasonCode.retired_at.is_(None))))


def check(session: Session, pairs: Sequence[tuple[str, str | None]]) -> list[BadReason | None]:
    """Judge pairs of a reason code and the kind of movement it is given for, in their order; None: it may be given.

    Kind None asks only whether the code is known and in use. One statement, whatever the length of the list.
    """
    wanted = {code for code, _ in pairs}
    known = {row.code: row for row in session.scalars(select(ReasonCode).where(ReasonCode.code.in_(wanted)))}
    in_use = None
    found: list[BadReason | None] = []
    for code, kind in pairs:
        fault = _fault(known.get(code), code, kind)
        if fault is not None:
            in_use = reasons(session) if in_use is None else in_use
            choices = [each.code for each in in_use if kind is None or not each.kinds or kind in each.kinds]
            fault = BadReason(
                fault.code, fault.why, f"{fault.detail}; choose one of {', '.join(sorted(choices)) or 'none'}"
            )
        found.append(fault)
    return found


def save(session: Session, drafts: Sequence[ReasonDraft], *, by: Actor, now: datetime) -> list[ReasonCode]:
    """Add the codes that are new and change the others, all or none; what is the same already stays untouched.

    A draft with a version changes that version of a known code only, one without adds or overwrites. A code is never
    renamed. ReasonRefused names position and field.
    """
    take_turn(session, "onhand.reason_code")
    known = _known(session, [draft.code for draft in drafts])
    owners = {draft.owner_user_id for draft in drafts if draft.owner_user_id is not None}
    people = set(session.scalars(select(User.id).where(User.id.in_(owners), User.active)))
    seen: set[str] = set()
    for position, draft in enumerate(drafts):
        _require(draft, position, known.get(draft.code), people, seen)
        seen.add(draft.code)
    rows = [_put(session, known.get(draft.code), draft, by=by, now=now) for draft in drafts]
    session.flush()
    return rows


def retire(
    session: Session, codes: Sequence[str], *, by: Actor, now: datetime, reason: str | None = None
) -> list[ReasonCode]:
    """Retire codes: from now on nobody may give them, and what waits for approval with one is refused.

    One that is retired already stays so. What was posted keeps it: codes are never deleted.
    """
    return _set_retired(session, codes, now, "reason_code.retire", by=by, reason=reason)


def reinstate(
    session: Session, codes: Sequence[str], *, by: Actor, now: datetime, reason: str | None = None
) -> list[ReasonCode]:
    """Let retired codes be given again. One that is in use stays so."""
    del now
    return _set_retired(session, codes, None, "reason_code.reinstate", by=by, reason=reason)


def _set_retired(
    session: Session, codes: Sequence[str], at: datetime | None, action: str, *, by: Actor, reason: str | None
) -> list[ReasonCode]:
    take_turn(session, "onhand.reason_code")
    known = _known(session, codes)
    rows = []
    for position, code in enumerate(codes):
        row = known.get(code)
        if row is None:
            raise ReasonRefused("code", f"there is no reason code {code!r}", position, "unknown")
        if (row.retired_at is None) != (at is None):
            row.retired_at, row.version = at, row.version + 1
            audit.record(session, by, action, f"reason_code:{code}", reason=reason)
        rows.append(row)
    session.flush()
    return rows


def _known(session: Session, codes: Sequence[str]) -> dict[str, ReasonCode]:
    query = select(ReasonCode).where(ReasonCode.code.in_(set(codes))).execution_options(populate_existing=True)
    return {row.code: row for row in session.scalars(query)}


def _require(draft: ReasonDraft, position: int, known: ReasonCode | None, people: set[int], seen: set[str]) -> None:
    """Raise for what is wrong with a draft."""
    if not CODE.fullmatch(draft.code):
        detail = "a code is small letters, digits and underscores, begins with a letter, and has 40 at most"
        raise ReasonRefused("code", detail, position)
    if draft.code in seen:
        raise ReasonRefused("code", f"{draft.code} is named twice", position)
    if not draft.label.strip() or len(draft.label) > LABEL_CHARACTERS_MAX or not draft.label.isprintable():
        raise ReasonRefused("label", f"a label has 1 to {LABEL_CHARACTERS_MAX} characters on one line", position)
    if len(draft.help) > HELP_CHARACTERS_MAX or not draft.help.isprintable():
        raise ReasonRefused("help", f"a help has {HELP_CHARACTERS_MAX} characters at most, on one line", position)
    bad = [kind for kind in draft.kinds if not KIND.fullmatch(kind)]
    if bad or len(draft.kinds) > KINDS_MAX:
        detail = f"kinds are names like write_off, {KINDS_MAX} at most; not {', '.join(bad) or len(draft.kinds)}"
        raise ReasonRefused("kinds", detail, position)
    if draft.owner_user_id is not None and draft.owner_user_id not in people:
        raise ReasonRefused("owner", "there is no such person in the house", position)
    if draft.version is None:
        return
    if known is None:
        raise ReasonRefused("code", f"there is no reason code {draft.code!r}", position, "unknown")
    if known.version != draft.version:
        detail = f"{draft.code} has moved on to version {known.version} since you saw version {draft.version}"
        raise ReasonRefused("version", f"{detail}; look again", position, "changed")


def _put(session: Session, row: ReasonCode | None, draft: ReasonDraft, *, by: Actor, now: datetime) -> ReasonCode:
    facts = {
        "label": draft.label.strip(), "help": draft.help.strip(), "kinds": sorted(set(draft.kinds)),
        "owner_user_id": draft.owner_user_id,
    }  # fmt: skip
    if row is None:
        row = ReasonCode(code=draft.code, version=1, recorded_at=now, **facts)
        session.add(row)
        audit.record(session, by, "reason_code.add", f"reason_code:{draft.code}", None, facts)
    elif (before := _facts(row)) != facts:
        for name, value in facts.items():
            setattr(row, name, value)
        row.version += 1
        audit.record(session, by, "reason_code.change", f"reason_code:{draft.code}", before, facts)
    return row


def _facts(row: ReasonCode) -> dict[str, Any]:
    return {"label": row.label, "help": row.help, "kinds": sorted(row.kinds), "owner_user_id": row.owner_user_id}


def _fault(known: ReasonCode | None, code: str, kind: str | None) -> BadReason | None:
    if known is None:
        return BadReason(code, "unknown", f"there is no reason code {code!r}")
    if known.retired_at is not None:
        return BadReason(code, "retired", f"the reason code {code!r} is retired since {known.retired_at:%Y-%m-%d}")
    if kind is not None and known.kinds and kind not in known.kinds:
        return BadReason(code, "not_allowed", f"the reason code {code!r} is not for {kind}")
    return None
