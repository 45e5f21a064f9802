"""HTML: profiles, what one would change in the entity, and applying it as one change."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand.access import actor, in_scope, requires
from onhand.policies.book import Where
from onhand.policies.profiles import ProfileDiff, profile_changes, profile_diff, profiles
from onhand.policies.proposing import Proposed, propose
from onhand.policies.services import PolicyRefused
from onhand.policies.views.asking import demand_may_set, may_set
from onhand.policies.views.pages import entity_of, policies
from onhand.policies.views.trying import asked_days, tried_or_told
from onhand.problems import NotFound
from onhand.web.tables import Column

__all__: list[str] = []

COLUMNS = [
    Column("label", "Policy"),
    Column("before", "Now"),
    Column("after", "With the profile"),
    Column("decided", "Decided now by"),
    Column("differs", "Change"),
]


@policies.get("/profiles/")
@requires("policies.read")
def all_profiles() -> str:
    """Show the profiles there are."""

    def load(session: Session, now: datetime) -> list[dict[str, Any]]:
        entity = entity_of(session)
        found = []
        for name, profile in profiles(session).items():
            diff = profile_diff(session, name, entity.id, now=now)
            differing = sum(line.differs for line in diff.lines)
            found.append({"profile": profile, "lines": len(diff.lines), "differing": differing})
        return found

    return render_template("policies/profiles.html", profiles=in_scope(load))


@policies.get("/profiles/<profile>")
@requires("policies.read")
def one_profile(profile: str) -> str:
    """Show what a profile would change in the entity, and what would have been decided differently."""

    def load(session: Session, now: datetime) -> dict[str, Any]:
        entity = entity_of(session)
        diff = _diff(session, profile, entity.id, now)
        return {
            "diff": diff,
            "entity": entity,
            "may_set": may_set(Where(entity_id=entity.id)),
            "changes": profile_changes(diff, entity.id),
        }

    page = in_scope(load)
    days = asked_days()
    tried, cut = tried_or_told(page["changes"], days)
    rows = [
        {
            "label": line.kind.label,
            "name": line.kind.name,
            "before": line.before,
            "after": line.after,
            "decided": f"version {line.version} for {line.place}" if line.version else line.place,
            "differs": line.differs,
        }
        for line in page["diff"].lines
    ]
    return render_template("policies/profile.html", columns=COLUMNS, rows=rows, days=days, tried=tried, cut=cut, **page)


@policies.post("/profiles/<profile>")
@requires("policies.edit")
def apply_profile(profile: str) -> ResponseReturnValue:
    """Set what differs, as one change."""

    def command(session: Session, now: datetime) -> tuple[ProfileDiff, Proposed | None]:
        entity = entity_of(session)
        demand_may_set(Where(entity_id=entity.id))
        diff = _diff(session, profile, entity.id, now)
        changes = profile_changes(diff, entity.id)
        if not changes:
            return diff, None
        return diff, propose(
            session,
            changes,
            by=actor(),
            now=now,
            reason=f"profile {diff.profile.label}",
            title=f"Profile {diff.profile.label}",
        )

    try:
        diff, done = in_scope(command)
    except PolicyRefused as refused:
        flash(f"Not applied: {refused}.", "bad")
        return redirect(url_for("policies.one_profile", profile=profile), 303)
    if done is None:
        flash(f"Nothing differs from the profile {diff.profile.label}.", "info")
    elif done.is_waiting:
        flash(f"Not in force yet: asked {', then '.join(done.roles)} to agree.", "info")
    else:
        flash(f"{diff.profile.label}: {len(done.versions)} policies are set.", "good")
    return redirect(url_for("policies.one_profile", profile=profile), 303)


def _diff(session: Session, name: str, entity_id: int, now: datetime) -> ProfileDiff:
    try:
        return profile_diff(session, name, entity_id, now=now)
    except PolicyRefused as refused:
        raise NotFound(str(refused)) from None
