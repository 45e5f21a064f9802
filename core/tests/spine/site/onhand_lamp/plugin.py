from datetime import timedelta
from decimal import Decimal

from onhand.contributions import (
    MenuItem,
    Obligation,
    Permission,
    PolicyProfile,
    PolicyType,
    PolicyVariable,
    ReferenceRows,
    Schedule,
    Tile,
)
from onhand.db import cursor
from onhand.hooks import hookimpl

from onhand_lamp import jobs, services, views

EVERYWHERE = ("item", "category", "location", "channel", "entity")
COLOURS = {"red": "Red"}
FACTS = (PolicyVariable("hour", int, "Of the day"), PolicyVariable("room", str, "Its name"))


@hookimpl
def permissions():
    return [Permission("lamp.read", "Look at lights")]


@hookimpl
def blueprints():
    return [views.lamp, views.lamp_api]


@hookimpl
def menu():
    return [MenuItem("Lights", "lamp.lights", "stack-2", "lamp.read")]


@hookimpl
def tiles(session, entity_id):
    return [Tile("Lights lit", str(len(services.lit(session))), "/lamp/")]


@hookimpl
def policies():
    return [
        PolicyType("lamp.watts", "Watts", int, 40, "How bright", "W", EVERYWHERE),
        PolicyType("lamp.rate", "Rate", Decimal, Decimal("0.5"), "A share", None, EVERYWHERE),
        PolicyType("lamp.shape", "Shape", str, "bulb", "A form", None, ("entity",)),
        PolicyType("lamp.dims", "Dims", bool, False, "Whether it dims", None, ()),
        PolicyType("lamp.form", "Form", str, "round", "Its outline", choices=("round", "flat")),
        PolicyType("lamp.level", "Level", int, 0, "How strong", None, EVERYWHERE, -5, 5, variables=FACTS),
    ]


@hookimpl
def policy_profiles():
    odd = {"lamp.heat": 3, "lamp.dims": True, "lamp.form": "square"}
    return [PolicyProfile("luxury", {"lamp.watts": 25, "lamp.shape": "bulb", **odd})]


@hookimpl
def actors():
    return [jobs.blink]


@hookimpl
def schedules():
    return [Schedule("lamp.blink", jobs.blink, every=timedelta(hours=1))]


@hookimpl
def reference_rows():
    return [ReferenceRows("lamp.colour", ("code",), tuple({"code": c, "label": text} for c, text in COLOURS.items()))]


@hookimpl
def open_obligations(session, entity_id):
    [count] = cursor(session).execute("SELECT count(*) FROM lamp.light WHERE entity_id = %s", (entity_id,)).fetchone()
    return [Obligation("light", count, "lights lit", "/lamp/")] if count else []


@hookimpl
def colours():
    return ["red", "green"]


@hookimpl
def brightest(entity_id):
    return f"lamp's in {entity_id}"


@hookimpl
def light_switched(session, event):
    services.leave_trace(session, event.entity_id, f"lamp saw {event.name}")


@hookimpl
def addon_enabled(session, event):
    services.leave_trace(session, event.entity_id, f"{event.addon} enabled")
