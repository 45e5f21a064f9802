"""HTML: one policy, what is set where, why a value holds at a place, and its history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from sqlalchemy.orm import Session

from onhand.access import in_scope, requires, scope
from onhand.contributions import PolicyPart, PolicyType
from onhand.policies.book import Where
from onhand.policies.chronicle import Entry, chronicle
from onhand.policies.documents import fact_of
from onhand.policies.explaining import Step, Why, why
from onhand.policies.places import named, part_names, where_of
from onhand.policies.proposing import waiting_for
from onhand.policies.services import PolicyRefused
from onhand.policies.values import shown, wanted
from onhand.policies.views.asking import known_type, may_set, may_set_somewhere, moment
from onhand.policies.views.pages import entity_of, policies
from onhand.transaction import context
from onhand.web.shell import EntityLine
from onhand.web.tables import Column

__all__ = ["ScopeField", "scope_fields"]

SET_COLUMNS = [
    Column("place", "Where"),
    Column("said", "Value"),
    Column("effective_from", "From", "time"),
    Column("by", "Set by"),
    Column("id", "Version"),
    Column("acts", "Change"),
]
STEP_COLUMNS = [
    Column("place", "Where"),
    Column("said", "Value"),
    Column("outcome", "Outcome"),
    Column("version", "Version"),
    Column("effective_from", "From", "day"),
    Column("by", "Set by"),
]
HISTORY_COLUMNS = [
    Column("id", "Version"),
    Column("place", "Where"),
    Column("change", "Change"),
    Column("effective_from", "From", "time"),
    Column("by", "Set by"),
    Column("state", "State"),
    Column("acts", "Undo"),
]
TONES = {"in force": "good", "scheduled": "info", "past": "neutral", "ended": "neutral", "replaced": "neutral",
         "cancelled": "warn", "cancels": "neutral"}  # fmt: skip
HISTORY_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ScopeField:
    """A part of a place as a form asks for it: what is listed, or nothing where its code is typed."""

    part: str
    label: str
    value: str
    choices: tuple[tuple[str, str], ...]


@policies.get("/<name>")
@requires("policies.read")
def one(name: str) -> str:
    """Show one policy."""
    return render_template("policies/one.html", **in_scope(lambda session, now: _one(session, name, now)))


def scope_fields(session: Session, kind: PolicyType, entity: EntityLine, values: dict[str, str]) -> list[ScopeField]:
    """Return the parts below the entity that a policy may be set for, most specific first."""
    scopes = context(session).addons.policy_scopes
    fields = []
    for part in part_names():
        if part == "entity" or part not in kind.scopes:
            continue
        found = scopes.get(part)
        things: Iterable[PolicyPart] = found.choices(session, entity.id) if found else ()
        choices = tuple((each.code, f"{each.name} ({each.code})") for each in things)
        fields.append(ScopeField(part, found.label if found else part.capitalize(), values.get(part, ""), choices))
    return fields


def _one(session: Session, name: str, now: datetime) -> dict[str, Any]:
    kind, entity = known_type(session, name), entity_of(session)
    entries = chronicle(session, name, now=now, entities=scope())
    asked = {
        part: request.args.get(part, "") for part in (*part_names(), "at", *(each.name for each in kind.variables))
    }
    found, error = _explained(session, kind, entity, asked, now)
    codes = _codes(session, entries)
    return {
        "kind": kind,
        "entity": entity,
        "takes": wanted(kind),
        "default": shown(kind, kind.default),
        "may_set": may_set_somewhere(entity.id),
        "set_columns": SET_COLUMNS,
        "set_rows": [_set_row(name, each, codes) for each in entries if each.state in ("in force", "scheduled")],
        "tones": TONES,
        "asked": asked,
        "fields": scope_fields(session, kind, entity, asked),
        "why": found,
        "why_error": error,
        "step_columns": STEP_COLUMNS,
        "steps": _steps(kind, found) if found else (),
        "waiting": [
            {
                "title": row.title,
                "by": row.requester_name,
                "asked_at": row.asked_at,
                "role": row.waiting_role,
                "changes": row.changes,
                "href": f"/approvals/{row.id}",
            }
            for row in waiting_for(session, name)
        ],
        "history_columns": HISTORY_COLUMNS,
        "history": [_history_row(each) for each in entries[:HISTORY_SHOWN]],
        "left_off": max(len(entries) - HISTORY_SHOWN, 0),
    }


def _explained(
    session: Session, kind: PolicyType, entity: EntityLine, asked: dict[str, str], now: datetime
) -> tuple[Why | None, str | None]:
    codes = {part: asked[part] for part in part_names() if part in kind.scopes and part != "entity"}
    facts = {each.name: fact_of(each.type, asked[each.name]) for each in kind.variables if asked[each.name]}
    try:
        where = where_of(session, codes | {"entity": entity.code}, kind.name)
        return why(
            session, kind.name, where, at=moment(asked["at"], entity.time_zone) or now, facts=facts or None
        ), None
    except PolicyRefused as refused:
        return None, str(refused)


def _steps(kind: PolicyType, found: Why) -> list[dict[str, Any]]:
    def row(step: Step, outcome: str, tone: str) -> dict[str, Any]:
        return {
            "place": step.place,
            "said": shown(kind, step.value),
            "outcome": outcome,
            "tone": tone,
            "version": step.version,
            "effective_from": step.effective_from,
            "by": step.by,
            "condition": step.condition,
            "reason": step.reason,
        }

    return [
        *(row(step, "condition does not hold", "warn") for step in found.passed_over),
        row(found.decided, "decides", "good"),
        *(row(step, "overridden", "neutral") for step in found.overridden),
    ]


def _codes(session: Session, entries: Iterable[Entry]) -> dict[Where, dict[str, str]]:
    """Return places as the codes a form takes."""
    places = {each.where for each in entries}
    names = named(session, places)
    return {
        where: {
            part: names[part][id_].code
            for part, id_ in zip(part_names(), where.key, strict=True)
            if id_ is not None and id_ in names.get(part, {})
        }
        for where in places
    }


def _set_row(name: str, entry: Entry, codes: dict[Where, dict[str, str]]) -> dict[str, Any]:
    place: dict[str, Any] = dict(codes[entry.where]) if entry.where.entity_id is not None else {"entity": "-"}
    place |= {part: code for part, code in codes[entry.where].items() if part != "entity"}
    may = may_set(entry.where)
    return {
        **_history_row(entry),
        "change_href": url_for("policies.consider", name=name, **place) if may and entry.state == "in force" else None,
        "may_cancel": may and entry.state == "scheduled",
    }


def _history_row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "place": entry.place,
        "said": entry.said,
        "before": entry.before,
        "condition": entry.condition,
        "effective_from": entry.effective_from,
        "recorded_at": entry.recorded_at,
        "by": entry.by,
        "reason": entry.reason,
        "state": entry.state,
        "replaces": entry.replaces,
        "replaced_by": entry.replaced_by,
        "change": None,
        "acts": None,
        "may_undo": entry.state in ("in force", "ended") and may_set(entry.where),
        "may_roll_back": entry.state in ("past", "replaced", "cancelled") and may_set(entry.where),
    }
