"""HTML: who owns which field, and naming another."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.approvals.api import Asked
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_master_data import queries, services
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services import FIELD_NAMES, NewOwner
from onhand_master_data.services.owning import role_names
from onhand_master_data.views.asking import may_rule
from onhand_master_data.views.pages import errors_by_field, master_data

__all__ = ["owner_pages"]

owner_pages = master_data
COLUMNS = [
    Column("label", "Field"),
    Column("roles", "Who must agree"),
    Column("several", "For several entities"),
    Column("source", "Said by"),
]
SOURCES = {"entity": "a rule of the entity", "group": "a rule of the group", "shipped": "as shipped"}
NOBODY = "nobody"


@master_data.get("/owners")
@requires("master_data.read")
def field_owners() -> str:
    """Show who must agree to a change of which field, here and where several entities are concerned."""
    return _page({}, {})


@master_data.post("/owners")
@requires("master_data.edit")
def name_owner() -> ResponseReturnValue:
    """Name the role that owns a field, here or in the whole group, in place of whoever was named there."""

    def command(session: Session, now: datetime) -> Asked:
        entity_id = scope()[0] if filled("place") == "entity" else None
        if filled("place") not in {"entity", "group"} or not may_rule(entity_id):
            raise Refused([FieldError(0, "place", "choose a place whose rules you may change")])
        role = None if filled("role") == NOBODY else filled("role")
        wish = NewOwner(filled("field"), role, entity_id)
        return services.name_owners(session, [wish], note=filled("note") or None, by=actor(), now=now)[0]

    try:
        answer = in_scope(command)
    except Refused as refused:
        return _page(errors_by_field(refused), request.form), 422
    if answer.status == "pending":
        flash("Asked for: the change waits for consent itself.", "info")
    else:
        flash("Named. What waits already keeps the consents it was asked for.", "success")
    return redirect(url_for("master_data.field_owners"), 303)


def _page(errors: dict[str, str], given: Any) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        entity_id = scope()[0]
        several = {one.field: one for one in services.owners(session, None)}
        entity = queries.entity_of(session, entity_id)
        return {
            "entity": entity,
            "rows": [
                {
                    "label": one.label,
                    "roles": _said(one.roles),
                    "several": _said(several[one.field].roles),
                    "source": SOURCES[one.place] if one.own else f"its class: {SOURCES[one.place]}",
                }
                for one in services.owners(session, entity_id)
            ],
            "fields": list(FIELD_NAMES.items()),
            "roles": [
                *role_names(session),
                (NOBODY, "Nobody of its own"),
            ],
            "places": [
                *([("entity", entity.name)] if may_rule(entity_id) else []),
                *([("group", "the whole group")] if may_rule(None) else []),
            ],
        }

    return render_template("master_data/owners.html", columns=COLUMNS, errors=errors, given=given, **in_scope(load))


def _said(roles: tuple[str, ...]) -> str:
    return ", then ".join(role.replace("_", " ") for role in roles) or "nobody: done at once"
