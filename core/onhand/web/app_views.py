"""The Apps page: which add-on works for which entity, the plan of a change, and the change itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand import clocks
from onhand.access import actor, principal, requires
from onhand.addons.faults import Fault
from onhand.addons.health import health_of
from onhand.addons.suspension import resume, suspend
from onhand.addons.timeline import State, suspensions
from onhand.enablement import Change, ChangeRefused, Plan, change, plan_change
from onhand.problems import Conflict, NotFound
from onhand.transaction import context, every_entity, run
from onhand.web.apps import NEXT_STATES, TONES, AppRow, idle, matrix, summary_of, title_of
from onhand.web.formats import sentence
from onhand.web.forms import filled, trimmed
from onhand.web.shell import EntityLine, entity_lines
from onhand.web.tables import Column
from onhand.web.views import shell

__all__: list[str] = []

VERBS: dict[State, str] = {"enabled": "Enable", "draining": "Let it drain", "disabled": "Disable"}
HEADLINES: dict[State, str] = {
    "enabled": "Switched on for this entity:",
    "draining": "No new work is taken on; what is open runs out. Still there meanwhile:",
    "disabled": "Gone for this entity, until it is enabled again. Its data is kept.",
}
SWITCHES = {
    "menu": "Menu entries",
    "permissions": "Permissions",
    "policies": "Policies",
    "exception_kinds": "Exceptions it raises",
    "schedules": "Scheduled work",
    "loops": "Work in the background",
}


@dataclass(frozen=True, slots=True)
class Considered:
    """A change that someone looks at: as it stands, as it would be, and how the form was filled in."""

    entity: EntityLine
    summary: str
    state: State
    plan: Plan
    from_text: str
    from_error: str | None


@shell.get("/apps")
@requires("onhand.administer")
def apps() -> str:
    """Show every installed add-on with its state in each entity that the person administers, and why others do not run."""

    def load(session: Session, now: datetime) -> tuple[tuple[EntityLine, ...], list[AppRow], list[Fault]]:
        entities = entity_lines(session, reachable)
        return entities, matrix(session, entities, now=now), idle(session, now=now)

    reachable = principal().entities("onhand.administer")
    entities, rows, faults = run(load, entities=reachable)
    columns = [Column("title", "Add-on"), *(Column(f"entity-{entity.id}", entity.name) for entity in entities)]
    return render_template(
        "onhand/apps.html",
        columns=columns,
        rows=rows,
        faults=faults,
        zones={entity.id: entity.time_zone for entity in entities},
    )


@shell.get("/apps/<noun>/<int:entity_id>")
@requires("onhand.administer")
def app_plan(noun: str, entity_id: int) -> str:
    """Show what a change would do. Changes nothing."""
    _check_reach(entity_id)
    found = run(lambda session, now: _consider(session, noun, entity_id, now), entities=(entity_id,))
    return _plan_page(noun, found)


@shell.post("/apps/<noun>/<int:entity_id>")
@requires("onhand.administer")
def change_app(noun: str, entity_id: int) -> ResponseReturnValue:
    """Carry the change out, or show why not."""
    _check_reach(entity_id)
    by = actor()

    def command(session: Session, now: datetime) -> Considered:
        found = _consider(session, noun, entity_id, now)
        if found.from_error is None:
            change(session, [found.plan.change], by=by, now=now)
        return found

    try:
        done = run(command, entities=(entity_id,))
    except ChangeRefused:
        refused = run(lambda session, now: _consider(session, noun, entity_id, now), entities=(entity_id,))
        return _plan_page(noun, refused), 409
    if done.from_error:
        return _plan_page(noun, done), 422
    when = f"from {done.from_text.replace('T', ' ')}" if done.from_text else "from now on"
    flash(f"{title_of(noun)} is {done.plan.change.state} for {done.entity.name} {when}.", "success")
    return redirect(url_for("shell.apps"), 303)


@shell.get("/apps/<noun>")
@requires("onhand.administer")
def app_everywhere(noun: str) -> str:
    """Show what switching an add-on off everywhere, or letting it run again, would do. Changes nothing."""
    found = run(lambda session, now: _everywhere(session, noun, now), entities=())
    may = _administers_all()
    return render_template("onhand/apps_everywhere.html", title=title_of(noun), noun=noun, may=may, **found)


@shell.post("/apps/<noun>")
@requires("onhand.administer")
def change_everywhere(noun: str) -> ResponseReturnValue:
    """Switch an add-on off for every entity at once, or let it run again where it is enabled."""
    by, reason, wish = actor(), filled("reason"), request.form.get("do")
    if not _administers_all():
        raise Conflict("this concerns every entity, so it takes onhand.administer in all of them")

    def command(session: Session, now: datetime) -> str:
        _everywhere(session, noun, now)
        if wish == "resume":
            resume(session, noun, by=by, now=now)
            return f"{title_of(noun)} runs again where it is enabled."
        suspend(session, [noun], by=by, reason=reason or "an administrator did so", now=now)
        return f"{title_of(noun)} is off everywhere, until it is resumed."

    flash(run(command, entities=every_entity()), "success")
    return redirect(url_for("shell.apps"), 303)


def _administers_all() -> bool:
    known = principal()
    return all(known.may("onhand.administer", entity_id) for entity_id in every_entity())


def _everywhere(session: Session, noun: str, now: datetime) -> dict[str, Any]:
    addons = context(session).addons
    if noun not in addons.names:
        raise NotFound("no such add-on")
    return {
        "fault": addons.suspended.get(noun) or addons.held.get(noun),
        "is_suspended": noun in suspensions(session),
        "dependants": [title_of(other) for other in addons.dependants(noun)],
        "health": health_of(session, now=now).get(noun),
    }


def _check_reach(entity_id: int) -> None:
    if not principal().may("onhand.administer", entity_id):
        raise NotFound("no such entity")


def _consider(session: Session, noun: str, entity_id: int, now: datetime) -> Considered:
    addons = context(session).addons
    entities = entity_lines(session, (entity_id,))
    if noun not in addons.names or not entities:
        raise NotFound("no such add-on or entity")
    state = addons.state(entity_id, noun, now)
    asked = request.values.get("state")
    target = next((choice for choice in NEXT_STATES[state] if choice == asked), NEXT_STATES[state][0])
    from_text = trimmed(request.values.get("from", ""))
    effective_from, from_error = _from(from_text, entities[0].time_zone)
    plan = plan_change(session, Change(entity_id, noun, target, effective_from), now=now)
    return Considered(entities[0], summary_of(addons.addon(noun)), state, plan, from_text, from_error)


def _from(text: str, zone: str) -> tuple[datetime | None, str | None]:
    """Return from when a change shall hold, None for at once; or what is wrong with the text."""
    try:
        return clocks.moment(text, zone) if text else None, None
    except clocks.NoMoment as wrong:
        return None, sentence(wrong)


def _plan_page(noun: str, found: Considered) -> str:
    wish = found.plan.change
    return render_template(
        "onhand/apps_plan.html",
        here=url_for("shell.app_plan", noun=noun, entity_id=found.entity.id),
        title=title_of(noun),
        summary=found.summary,
        entity=found.entity,
        state=found.state,
        tone=TONES[found.state],
        choices=[(choice, VERBS[choice]) for choice in NEXT_STATES[found.state]],
        wish=wish,
        wish_from=found.from_text,
        from_error=found.from_error,
        plan=found.plan,
        headline=HEADLINES[wish.state],
        switches=[(SWITCHES.get(hook, hook), ", ".join(names)) for hook, names in found.plan.switches.items()],
        needs=[(need, title_of(need)) for need in found.plan.needs],
        verb=VERBS[wish.state],
    )
