"""HTML: change a policy. The form shows what would change before anything is saved; undoing takes one step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand.access import actor, in_scope, requires
from onhand.contributions import PolicyType
from onhand.policies.book import Where
from onhand.policies.changes import cancellation, rollback, taking_back
from onhand.policies.explaining import why
from onhand.policies.places import part_names, where_of
from onhand.policies.proposing import Proposed, propose
from onhand.policies.services import PolicyChange, PolicyRefused, checked_change, find_version, place_of
from onhand.policies.values import from_text, shown, wanted
from onhand.policies.views.asking import demand_may_set, known_type, may_set, moment
from onhand.policies.views.detail import scope_fields
from onhand.policies.views.pages import entity_of, policies
from onhand.policies.views.trying import asked_days, tried_or_told
from onhand.problems import Forbidden
from onhand.transaction import context
from onhand.web import filled, trimmed, whole_number
from onhand.web.shell import EntityLine

__all__: list[str] = []

GROUP = "-"
FIELDS = ("value", "entity", "item", "category", "location", "channel", "from", "when", "reason", "ends")
FORM_FIELDS = {"effective_from": "from", "condition": "when"}


@dataclass
class Draft:
    """A form as it was filled in: the change it means, or what is wrong with which field."""

    form: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    change: PolicyChange | None = None
    diff: dict[str, Any] | None = None

    @property
    def is_filled(self) -> bool:
        """Whether anything was typed that could be saved."""
        return bool(self.form["value"] or self.form["ends"])


@policies.get("/<name>/set")
@requires("policies.edit")
def consider(name: str) -> str:
    """Show the form, and what its change would do. Changes nothing."""

    def load(session: Session, now: datetime) -> tuple[Draft, dict[str, Any]]:
        draft = _draft(session, name, now)
        if draft.change is not None:
            draft.diff = _diff(session, draft.change, now)
        return draft, _form(session, name, draft)

    draft, form = in_scope(load)
    tried, cut = tried_or_told([draft.change] if draft.change else [], asked_days())
    return render_template("policies/set.html", tried=tried, cut=cut, **form)


@policies.post("/<name>/set")
@requires("policies.edit")
def change(name: str) -> ResponseReturnValue:
    """Save the change, or show what is wrong with it."""

    def command(session: Session, now: datetime) -> Proposed | dict[str, Any]:
        draft = _draft(session, name, now)
        if draft.change is None or draft.errors:
            return _form(session, name, draft)
        demand_may_set(draft.change.where)
        return propose(session, [draft.change], by=actor(), now=now, reason=draft.form["reason"].strip() or None)

    try:
        done = in_scope(command)
    except PolicyRefused as refused:
        flash(f"Not saved: {refused}.", "bad")
        return redirect(url_for("policies.one", name=name), 303)
    if isinstance(done, dict):
        return render_template("policies/set.html", tried=(), cut=None, **done), 422
    return _told(name, done)


@policies.post("/<name>/rollback")
@requires("policies.edit")
def roll_back(name: str) -> ResponseReturnValue:
    """Set again what an older version said, in one step."""
    version = _version_asked()
    return _undo(name, lambda session, _: rollback(session, name, version), f"back to version {version}")


@policies.post("/<name>/undo")
@requires("policies.edit")
def undo(name: str) -> ResponseReturnValue:
    """Take back the version in force: what was said before it holds again."""
    version = _version_asked()
    return _undo(
        name, lambda session, now: taking_back(session, name, version, now=now), f"version {version} taken back"
    )


@policies.post("/<name>/cancel")
@requires("policies.edit")
def cancel(name: str) -> ResponseReturnValue:
    """Cancel a version that is still to come."""
    version = _version_asked()
    return _undo(
        name, lambda session, now: cancellation(session, name, version, now=now), f"version {version} is not wanted"
    )


def _undo(name: str, make: Callable[[Session, datetime], PolicyChange], reason: str) -> ResponseReturnValue:
    def command(session: Session, now: datetime) -> Proposed:
        known_type(session, name)
        found = place_of(find_version(session, name, _version_asked()))
        demand_may_set(found)
        return propose(session, [make(session, now)], by=actor(), now=now, reason=reason)

    try:
        done = in_scope(command)
    except PolicyRefused as refused:
        flash(f"Not changed: {refused}.", "bad")
        return redirect(url_for("policies.one", name=name), 303)
    return _told(name, done)


def _told(name: str, done: Proposed) -> ResponseReturnValue:
    if done.is_waiting:
        flash(f"Not in force yet: asked {', then '.join(done.roles)} to agree.", "info")
    else:
        flash(f"Saved as version {', '.join(map(str, done.versions))}.", "good")
    return redirect(url_for("policies.one", name=name), 303)


def _version_asked() -> int:
    return whole_number(filled("version"), 18) or 0


def _draft(session: Session, name: str, now: datetime) -> Draft:
    kind, entity = known_type(session, name), entity_of(session)
    draft = Draft({each: trimmed(request.values.get(each, "")) for each in FIELDS})
    form = draft.form
    if not form["entity"]:
        form["entity"] = GROUP if "entity" not in kind.scopes and not _narrower(kind) else entity.code
    if not draft.is_filled:
        return draft
    try:
        draft.change = checked_change(session, _read(session, kind, entity, form), now=now)
    except PolicyRefused as refused:
        part = refused.field.removeprefix("scope.")
        draft.errors[FORM_FIELDS.get(part, part)] = str(refused)
    return draft


def _narrower(kind: PolicyType) -> bool:
    return bool({"location", "channel"} & set(kind.scopes))


def _read(session: Session, kind: PolicyType, entity: EntityLine, form: dict[str, str]) -> PolicyChange:
    codes = {part: form[part] for part in part_names() if part in kind.scopes and part != "entity"}
    is_group = form["entity"] == GROUP
    where = where_of(session, codes | ({} if is_group else {"entity": entity.code}), kind.name)
    return PolicyChange(
        kind.name,
        None if form["ends"] else from_text(kind, form["value"]),
        where,
        effective_from=moment(form["from"], entity.time_zone),
        condition=form["when"] or None,
    )


def _diff(session: Session, wish: PolicyChange, now: datetime) -> dict[str, Any]:
    """Return what the change would do at its place: the value until then, the value from then on."""
    at = max(wish.effective_from or now, now)
    before = why(session, wish.policy, wish.where, at=at)
    kind = before.kind
    after = "what a less specific place says" if wish.value is None else shown(kind, wish.value)
    return {
        "place": before.place,
        "before": shown(kind, before.value),
        "decided": before.decided,
        "after": after,
        "is_same": wish.value is not None and after == shown(kind, before.value) and wish.condition is None,
        "at": None if wish.effective_from is None or wish.effective_from <= now else wish.effective_from,
        "condition": wish.condition,
        "narrower": context(session).policies.narrower(kind.name, wish.where.key, at),
        "may": may_set(wish.where),
    }


def _form(session: Session, name: str, draft: Draft) -> dict[str, Any]:
    """Return what the form's page shows, but for back-tests."""
    kind, entity = known_type(session, name), entity_of(session)
    may_group = may_set(Where())
    entities = [(entity.code, f"{entity.name} ({entity.code})")] if "entity" in kind.scopes or _narrower(kind) else []
    if may_group:
        entities.append((GROUP, "The whole group"))
    if not entities:
        raise Forbidden("this policy is set for the whole group", permission="policies.edit")
    return {
        "kind": kind,
        "entity": entity,
        "takes": wanted(kind),
        "default": shown(kind, kind.default),
        "form": draft.form,
        "errors": draft.errors,
        "diff": draft.diff,
        "entities": entities,
        "fields": scope_fields(session, kind, entity, draft.form),
        "options": [("true", "Yes"), ("false", "No")] if kind.type is bool else [(each, each) for each in kind.choices],
        "days": asked_days(),
        "known": {"value", "entity", "from", "reason", *kind.scopes, *(["when"] if kind.variables else [])},
    }
